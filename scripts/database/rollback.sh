#!/usr/bin/env bash
# Restores the application's data from a backup, after keeping a copy of what is there now.
#
#   scripts/database/rollback.sh --backup B [--verify]
#
# Runs with the world's root as its working directory and finds everything from there:
#   backups/B/app.json, backups/B/SHA256SUMS   a backup and its checksums
#   data/app.json                              the data in use, replaced in one step
#   backups/before-…                           where the present state is kept first
#   starts.log                                 one line for every start of a script
#
# --verify    compare the restored data with the backup's checksum
# DEMO_PACE   seconds between steps (default 1; 0 for none)
#
# Exit: 0 restored, 64 wrong arguments, 65 the backup is damaged, 66 no such backup (both: nothing was changed),
#       70 restored, but the data is not what the backup holds.

set -Eeuo pipefail
umask 022

printf '%s scripts/database/rollback.sh %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${*@Q}" >>starts.log

usage() {
  printf 'rollback.sh: %s\nusage: scripts/database/rollback.sh --backup B [--verify]\n' "$1" >&2
  exit 64
}

backup='' verify=no
while (($#)); do
  case $1 in
    --backup)
      (($# >= 2)) || usage "$1 wants a value"
      backup=$2
      shift 2
      ;;
    --verify)
      verify=yes
      shift
      ;;
    *) usage "what is ${1@Q}?" ;;
  esac
done

# A name begins with a letter or digit and never holds a slash: it can only mean an entry of one folder.
[[ $backup =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$ ]] || usage "--backup ${backup@Q} is not a backup's name"
pace=${DEMO_PACE:-1}
[[ $pace =~ ^[0-9]{1,3}(\.[0-9]{1,3})?$ ]] || usage "DEMO_PACE=${pace@Q} is not a number of seconds"

say() { printf '%s\n' "$*"; }
breathe() { sleep "$pace"; }

# Whether the folder's app.json is what its SHA256SUMS says; a list without app.json says nothing.
intact() {
  grep -Eq '^[0-9a-f]{64} [ *]app\.json$' "$1/SHA256SUMS" &&
    (cd -- "$1" && sha256sum --check --strict --status SHA256SUMS)
}

say "Restoring the data from ${backup}"

if [[ ! -d backups/$backup || ! -f backups/$backup/app.json || ! -f backups/$backup/SHA256SUMS ]]; then
  say "No complete backup ${backup} under backups/; nothing was changed." >&2
  exit 66
fi
if ! intact "backups/$backup"; then
  say "Backup ${backup} is damaged: its contents differ from its checksums; nothing was changed." >&2
  exit 65
fi
say "[1/4] Backup ${backup} is whole: its checksums agree"
breathe

kept=''
if [[ -e data/app.json ]]; then
  kept="before-$(date -u +%Y-%m-%dT%H-%M-%SZ)-$$"
  mkdir -- ".keeping.$$"
  trap 'rm -rf -- ".keeping.$$"' EXIT
  cp -- data/app.json ".keeping.$$/app.json"
  (cd -- ".keeping.$$" && sha256sum app.json >SHA256SUMS)
  intact ".keeping.$$"
  sync -- ".keeping.$$/app.json" ".keeping.$$/SHA256SUMS"
  mv -T -- ".keeping.$$" "backups/$kept"
  trap - EXIT
  say "[2/4] Kept the present state as backups/${kept}"
else
  mkdir -p data
  say "[2/4] There is no present state to keep"
fi
breathe

next="data/.app.json.next.$$"
trap 'rm -f -- "$next"' EXIT
cp -- "backups/$backup/app.json" "$next"
sync -- "$next"
mv -T -- "$next" data/app.json
say "[3/4] Restored data/app.json, in one step"
breathe

if [[ $verify == yes ]]; then
  expected=$(sha256sum <"backups/$backup/app.json")
  found=$(sha256sum <data/app.json)
  if [[ $found != "$expected" ]]; then
    say "data/app.json is not what backup ${backup} holds; the state before is in backups/${kept:-(none)}." >&2
    exit 70
  fi
  say "[4/4] Verified: SHA-256 ${found%% *} on both sides"
else
  say "[4/4] Not verified: --verify was not asked for"
fi
say "Done: the data is that of ${backup}"
