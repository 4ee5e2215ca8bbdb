#!/usr/bin/env bash
# Puts an earlier configuration snapshot back into use.
#
#   scripts/config/rollback.sh --config C
#
# Runs with the world's root as its working directory and finds everything from there:
#   config/C/        a snapshot
#   config/current   a link to the snapshot in use, switched in one step
#   starts.log       one line for every start of a script
#
# DEMO_PACE   seconds between steps (default 1; 0 for none)
#
# Exit: 0 switched and read back, 64 wrong arguments, 66 no such snapshot (nothing was changed),
#       70 switched, but the link does not say so.

set -Eeuo pipefail
umask 022

printf '%s scripts/config/rollback.sh %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${*@Q}" >>starts.log

usage() {
  printf 'rollback.sh: %s\nusage: scripts/config/rollback.sh --config C\n' "$1" >&2
  exit 64
}

config=''
while (($#)); do
  case $1 in
    --config)
      (($# >= 2)) || usage "$1 wants a value"
      config=$2
      shift 2
      ;;
    *) usage "what is ${1@Q}?" ;;
  esac
done

# A name begins with a letter or digit and never holds a slash: it can only mean an entry of one folder.
[[ $config =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$ && $config != current ]] ||
  usage "--config ${config@Q} is not a snapshot's name"
pace=${DEMO_PACE:-1}
[[ $pace =~ ^[0-9]{1,3}(\.[0-9]{1,3})?$ ]] || usage "DEMO_PACE=${pace@Q} is not a number of seconds"

say() { printf '%s\n' "$*"; }

in_use() {
  local link
  link=$(readlink config/current) || link=''
  printf '%s' "${link##*/}"
}

say "Reverting the configuration to ${config}"

if [[ ! -d config/$config || -L config/$config || ! -s config/$config/app.json ]]; then
  say "No complete configuration ${config} under config/; nothing was changed." >&2
  exit 66
fi
before=$(in_use)
say "[1/3] Snapshot ${config} is there and complete; ${before:-nothing} is in use"
sleep "$pace"

next="config/.current.next.$$"
trap 'rm -f -- "$next"' EXIT
ln -s -- "$config" "$next"
mv -T -- "$next" config/current
say "[2/3] Switched config/current: ${before:-nothing} -> ${config}, in one step"
sleep "$pace"

after=$(in_use)
if [[ $after != "$config" ]]; then
  say "config/current says ${after:-nothing}, not ${config}." >&2
  exit 70
fi
say "[3/3] Read back: config/current -> ${after}"
say "Done: the configuration is ${config}"
