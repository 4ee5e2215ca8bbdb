#!/usr/bin/env bash
# Puts an earlier release of the application back into service.
#
#   scripts/deploy/rollback.sh --version V --environment E
#
# Runs with the world's root as its working directory and finds everything from there:
#   releases/V/release.json   a complete release
#   current                   a link to the release in service, switched in one step
#   run/target.url            the running service's address, when there is one
#   starts.log                one line for every start of a script
#
# DEMO_PACE   seconds between looks at the service (default 1; 0 for none)
#
# Exit: 0 rolled back and verified, 64 wrong arguments, 66 no such release (nothing was changed),
#       70 switched, but what runs is not what was asked for.

set -Eeuo pipefail
umask 022

printf '%s scripts/deploy/rollback.sh %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${*@Q}" >>starts.log

usage() {
  printf 'rollback.sh: %s\nusage: scripts/deploy/rollback.sh --version V --environment E\n' "$1" >&2
  exit 64
}

version='' environment=''
while (($#)); do
  case $1 in
    --version | --environment)
      (($# >= 2)) || usage "$1 wants a value"
      if [[ $1 == --version ]]; then version=$2; else environment=$2; fi
      shift 2
      ;;
    *) usage "what is ${1@Q}?" ;;
  esac
done

# A name begins with a letter or digit and never holds a slash: it can only mean an entry of one folder.
name='^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'
[[ $version =~ $name ]] || usage "--version ${version@Q} is not a version"
[[ $environment =~ $name ]] || usage "--environment ${environment@Q} is not an environment"
pace=${DEMO_PACE:-1}
[[ $pace =~ ^[0-9]{1,3}(\.[0-9]{1,3})?$ ]] || usage "DEMO_PACE=${pace@Q} is not a number of seconds"

say() { printf '%s\n' "$*"; }
breathe() { sleep "$pace"; }

# The body of GET $1 from the running service; fails when it does not answer 200 within two seconds.
ask() {
  local url host port status line
  url=$(<run/target.url) || return 1
  [[ $url =~ ^http://([0-9.]+):([0-9]+)/?$ ]] || return 1
  host=${BASH_REMATCH[1]} port=${BASH_REMATCH[2]}
  exec {service}<>"/dev/tcp/$host/$port" || return 1
  printf 'GET %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n' "$1" "$host" "$port" >&"$service"
  IFS= read -r -t 2 status <&"$service" || status=''
  while IFS= read -r -t 2 line <&"$service" && [[ $line != $'\r' ]]; do :; done
  line=''
  IFS= read -r -t 2 line <&"$service" || true
  exec {service}>&-
  [[ $status == 'HTTP/1.1 200'* ]] || return 1
  printf '%s' "${line%$'\r'}"
}

in_service() {
  local link
  link=$(readlink current) || link=''
  printf '%s' "${link##*/}"
}

say "Rolling ${environment} back to ${version}"

if [[ ! -d releases/$version || -L releases/$version || ! -s releases/$version/release.json ]]; then
  say "No complete release ${version} under releases/; nothing was changed." >&2
  exit 66
fi
before=$(in_service)
say "[1/5] Release ${version} is there and complete; ${before:-nothing} is in service"
breathe

watched=no
if [[ -e run/target.url ]]; then
  watched=yes
  if ask /health >/dev/null 2>&1; then
    say "[2/5] The service answers its health check"
  else
    say "[2/5] The service does not answer its health check; rolling back is the cure, going on"
  fi
else
  say "[2/5] No running service is announced in run/target.url; its health is not asked"
fi
breathe

next=".current.next.$$"
trap 'rm -f -- "$next"' EXIT
ln -s -- "releases/$version" "$next"
mv -T -- "$next" current
say "[3/5] Switched current: ${before:-nothing} -> ${version}, in one step"
breathe

if [[ $watched == yes ]]; then
  healthy=0 tries=0
  while ((healthy < 2)); do
    if ((++tries > 10)); then
      say "The service does not report ${version} as running after ${tries} looks." >&2
      exit 70
    fi
    runs=$(ask /version 2>/dev/null) || runs=''
    if [[ $runs == "$version" ]] && ask /health >/dev/null 2>&1; then
      say "[4/5] Healthy on ${version}, look $((++healthy)) of 2"
    else
      healthy=0
      say "[4/5] The service reports ${runs:-nothing}; looking again"
    fi
    breathe
  done
else
  say "[4/5] No service to look at"
fi

after=$(in_service)
if [[ $after != "$version" ]]; then
  say "current says ${after:-nothing}, not ${version}." >&2
  exit 70
fi
say "[5/5] Read back: current -> releases/${after}"
say "Done: ${environment} runs ${version}"
