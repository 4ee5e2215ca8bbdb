#!/usr/bin/env bash
# Brings what the tests need beside Rust: a browser with its driver, PostgreSQL, and the page checkers.
#
#   scripts/install-test-tools.sh            everything
#   scripts/install-test-tools.sh database   PostgreSQL alone, which is all that `./test.sh fast` needs
#
# As root it installs missing Debian packages; as anyone else it names them and exits 1. The page checkers are npm
# packages of exact versions in the ignored folder .tools/npm. Running it again changes nothing and is quick.
set -euo pipefail
exec </dev/null
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.."

scope=${1:-everything}
case $scope in
  everything | database) ;;
  *) echo "unknown part '$scope': leave it out, or say 'database'" >&2; exit 2 ;;
esac

# Idiomorph is no checker: it is here to be held against the copy of it that we serve.
readonly CHECKERS=(axe-core@4.14.1 html-validate@10.17.0 vnu-jar@26.9.27 idiomorph@0.8.0)
readonly CHECKER_FILES=(axe-core/axe.min.js html-validate/bin/html-validate.mjs vnu-jar/build/dist/vnu.jar idiomorph/dist/idiomorph.min.js)

has() { command -v "$1" >/dev/null 2>&1; }
has_postgresql() { has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }

# The Debian packages whose command is not there. Commands are asked for, not packages: a Java or a Node from elsewhere
# serves as well, and Debian's own beside it would only collide.
missing_packages() {
  has_postgresql || echo postgresql
  [ "$scope" = everything ] || return 0
  has chromium || echo chromium
  has chromedriver || echo chromium-driver
  has java || echo default-jre-headless
  has node || echo nodejs
  has npm || echo npm
}

install_packages() {
  local log policy=/usr/sbin/policy-rc.d
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  # Tests start their own servers on free ports; a package must not start one. The answer 101 means "not allowed".
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  echo "installing the Debian packages: $*"
  if ! { apt-get -o DPkg::Lock::Timeout=300 update -qq &&
    apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "the Debian packages could not be installed: $*" >&2
    rm -f "$log"
    exit 1
  fi
  rm -f "$log"
}

checkers_present() {
  local file
  [ "$(cat .tools/npm/.installed 2>/dev/null)" = "${CHECKERS[*]}" ] || return 1
  for file in "${CHECKER_FILES[@]}"; do [ -f ".tools/npm/node_modules/$file" ] || return 1; done
}

install_checkers() {
  echo "installing the page checkers: ${CHECKERS[*]}"
  rm -rf .tools/npm
  mkdir -p .tools/npm
  echo '{"private":true}' >.tools/npm/package.json
  # No install scripts: none of them needs one to do its work (vnu-jar's would fetch a Java of its own).
  (cd .tools/npm && npm install --no-audit --no-fund --ignore-scripts --save-exact --update-notifier=false --loglevel=error "${CHECKERS[@]}") >&2
  echo "${CHECKERS[*]}" >.tools/npm/.installed
}

mkdir -p .tools
# Two runs in one clone wait for each other instead of installing into one folder at once.
exec 9>.tools/.lock
flock 9

mapfile -t missing < <(missing_packages)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "The tests need packages that are not installed. Install them with: sudo apt-get install ${missing[*]}" >&2
    exit 1
  fi
  if ! has apt-get; then
    echo "The tests need these programs, and this is not a Debian system: install ${missing[*]} (or the like)." >&2
    exit 1
  fi
  install_packages "${missing[@]}" 9>&-
  mapfile -t missing < <(missing_packages)
  if [ ${#missing[@]} -gt 0 ]; then
    echo "Still missing after the installation: ${missing[*]}" >&2
    exit 1
  fi
fi

if [ "$scope" = everything ]; then
  checkers_present || install_checkers 9>&-
  checkers_present || { echo "The page checkers in .tools/npm are incomplete: remove that folder and try again." >&2; exit 1; }
fi
