#!/bin/sh
# How the sources look: style_test.sh format | lua | cppcheck | text | shell. Each names file and line of every breach.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${FOX_SOURCE_DIR:-$here/../..}"

# Files that belong to the project and are there, by name pattern.
files() {
    if git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files -- "$@"
    else # an unpacked release
        for pattern in "$@"; do find . -path ./build -prune -o -type f -name "$pattern" -print; done
    fi | sort | while read -r f; do if [ -f "$f" ]; then echo "$f"; fi; done
}

need() {
    command -v "$1" >/dev/null || { echo "$1 is missing: apt-get install $2 (bench/packages lists it)"; exit 1; }
}

# Lines that match a pattern are breaches: breach PATTERN WHY FILE-PATTERN…
breaches=0
breach() {
    pattern=$1 why=$2
    shift 2
    found=$(files "$@" | xargs grep -nPI -- "$pattern" /dev/null || true)
    [ -z "$found" ] || { printf '%s\n' "$found" | sed "s|\$|    <- $why|"; breaches=1; }
}

case "${1:-}" in
format)
    need clang-format clang-format
    files '*.c' '*.h' | xargs clang-format --dry-run -Werror
    ;;
lua)
    need luacheck lua-check
    files '*.lua' | xargs luacheck -q --no-color
    ;;
cppcheck)
    need cppcheck cppcheck
    files '*.c' | xargs cppcheck -q -j2 --std=c11 --enable=warning,performance,portability --inline-suppr \
        -D_GNU_SOURCE -I . --suppressions-list="$here/cppcheck.txt" --error-exitcode=1 \
        --template='{file}:{line}: {message} [{id}]'
    ;;
shell)
    for f in $(files '*.sh') bench/quickstart .ci/run; do
        case $(head -n 1 "$f") in
        *bash) bash -n "$f" ;;
        *) sh -n "$f" ;;
        esac
    done
    ;;
text)
    breach '[ \t]+$' 'white space at the end of the line' '*.c' '*.h' '*.def' '*.lua' '*.sh' '*.awk' '*.txt' '*.json' CMakeLists.txt
    breach '\t' 'a tab; use spaces' '*.c' '*.h' '*.def' '*.lua' '*.sh' '*.awk' CMakeLists.txt
    breach '\r$' 'a carriage return before the line end' '*.c' '*.h' '*.def' '*.lua' '*.sh' '*.awk' '*.md' CMakeLists.txt
    breach '(//|/\*|#|--).*\b(TO''DO|FIX''ME|XX''X)\b[ :(]' 'finish it or write an issue' '*.c' '*.h' '*.lua' '*.sh' CMakeLists.txt
    breach '\b(strcpy|strcat|sprintf|vsprintf|gets|strtok)\s*\(' 'unbounded; use snprintf' '*.c' '*.h'
    breach '^.{121,}' 'longer than 120 characters' '*.def' '*.sh' '*.awk' CMakeLists.txt
    for f in $(files '*.c' '*.h' '*.def' '*.lua' '*.sh' '*.awk' '*.md' '*.txt'); do
        [ ! -s "$f" ] || [ -z "$(tail -c1 "$f")" ] || { echo "$f: no line end at its end"; breaches=1; }
    done
    exit $breaches
    ;;
*)
    echo "usage: style_test.sh format | lua | cppcheck | text | shell" >&2
    exit 4
    ;;
esac
