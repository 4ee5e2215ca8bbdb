#!/usr/bin/env bash
# The check of the whole project. See --help.
set -euo pipefail
exec </dev/null
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")"

usage() {
  cat <<'TXT'
Usage: ./test.sh                 everything: what must pass before a change is merged
       ./test.sh fast [NAME...]  the inner loop: formatting and the quick tests, or only those whose name contains NAME
       ./test.sh pictures        a picture of every screen, in the sizes and schemes that people have, into pictures/
       ./test.sh --help          this page

Everything means: install what the tests need (scripts/install-test-tools.sh; as root it installs missing Debian
packages, as anyone else it names them), then formatting, lints, and all tests, on SQLite and PostgreSQL and in a real
browser. The last line is the sum: "N passed, 0 failed". The exit code is 0 only if every step passed and tests ran.

Fast leaves out lints, and the integration tests of modules whose name starts with browser_ or killing_.

CARGO_TARGET_DIR is respected. Pictures that tests take go to $BACKOUT_PICTURES or pictures/.
TXT
}

mode=everything
case ${1:-} in
  '') ;;
  fast) mode=fast; shift ;;
  pictures) mode=pictures; shift ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

started=$SECONDS
fail() { printf '\nFAILED: %s\n' "$1" >&2; exit 1; }

# step NAME COMMAND...: runs one command, says how long it took, and stops everything when it fails.
step() {
  local name=$1 began=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  "$@" || fail "$name"
  printf -- '-- %s: passed in %d s\n' "$name" $((SECONDS - began))
}

rust_is_there() {
  command -v cargo >/dev/null 2>&1 || { echo "cargo is missing: install Rust 1.95 or later, see https://rustup.rs"; return 1; }
  cargo fmt --version || { echo "rustfmt is missing: rustup component add rustfmt"; return 1; }
  [ "$mode" = fast ] || cargo clippy --version || { echo "clippy is missing: rustup component add clippy"; return 1; }
}

# Runs cargo test with the given arguments, shows its output as it comes, and keeps it for the sum.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run_tests() { cargo test --locked --no-fail-fast "$@" 2>&1 | tee "$log"; }

# "PASSED FAILED IGNORED", added up over cargo's "test result:" lines.
sum() {
  awk '/^test result: / {
         for (i = 2; i <= NF; i++) {
           if ($i == "passed;") passed += $(i - 1)
           if ($i == "failed;") failed += $(i - 1)
           if ($i == "ignored;") ignored += $(i - 1)
         }
       }
       END { print passed + 0, failed + 0, ignored + 0 }' "$log"
}

# The last line is the sum, whatever happened before it.
verdict() {
  local passed failed ignored tests_ended=$1
  read -r passed failed ignored < <(sum)
  printf '\n'
  [ "$ignored" -eq 0 ] || echo "ignored: $ignored"
  if [ "$tests_ended" -ne 0 ] && [ "$failed" -eq 0 ]; then
    echo "FAILED: the tests could not be built, or a test program ended before its verdict"
  elif [ "$failed" -gt 0 ]; then
    echo "FAILED: tests"
  elif [ "$passed" -eq 0 ]; then
    echo "FAILED: no test ran"
  else
    echo "all steps passed in $((SECONDS - started)) s"
  fi
  echo "$passed passed, $failed failed"
  [ "$tests_ended" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

step 'Rust' rust_is_there
if [ "$mode" = fast ]; then
  step 'tools' scripts/install-test-tools.sh database
  step 'formatting' cargo fmt --check
  printf '\n== quick tests\n'
  ended=0
  run_tests --lib --test it -- --skip browser_ --skip killing_ "$@" || ended=$?
elif [ "$mode" = pictures ]; then
  # The journey passes every screen in its right state and looks at it: desk, desk in the dark, phone.
  step 'tools' scripts/install-test-tools.sh
  export BACKOUT_PICTURES=${BACKOUT_PICTURES:-$PWD/pictures}
  printf '\n== pictures into %s\n' "$BACKOUT_PICTURES"
  ended=0
  run_tests --test it -- browser_journey::on_sqlite_with_every_page_looked_at || ended=$?
else
  step 'tools' scripts/install-test-tools.sh
  step 'formatting' cargo fmt --check
  step 'lints' cargo clippy --all-targets --locked -- -D warnings
  printf '\n== tests\n'
  ended=0
  run_tests || ended=$?
  # Only whether they still work: forms and pages change under them. What they tell here says nothing.
  step 'benchmarks' cargo test --locked --bench figures -- --bench --smoke approve pages viewers lines
fi
verdict "$ended" || exit 1
