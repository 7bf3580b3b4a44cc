#!/bin/sh
# How the sources look: style_test.sh format | lua | cppcheck | text | shell | codec | self. Names file and line of each
# breach.
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
    set -f # the patterns are for files(), not for this shell
    code="*.c *.h *.def *.lua *.sh *.awk"
    breach '[ \t]+$' 'white space at the end of the line' $code '*.txt' '*.json' '*CMakeLists.txt'
    breach '\t' 'a tab; use spaces' $code '*CMakeLists.txt'
    breach '\r$' 'a carriage return before the line end' $code '*.md' '*CMakeLists.txt'
    breach '(//|/\*|#|--).*\b(TO''DO|FIX''ME|XX''X)\b[ :(]' 'finish it or write an issue' $code '*CMakeLists.txt'
    breach '\b(strcpy|strcat|sprintf|vsprintf|gets|strtok)\s*\(' 'unbounded; use snprintf' '*.c' '*.h'
    breach '^.{121,}' 'longer than 120 characters' '*.def' '*.sh' '*.awk' '*CMakeLists.txt'
    for f in $(files '*.c' '*.h' '*.def' '*.lua' '*.sh' '*.awk' '*.md' '*.txt'); do
        [ ! -s "$f" ] || [ -z "$(tail -c1 "$f")" ] || { echo "$f: no line end at its end"; breaches=1; }
    done
    exit $breaches
    ;;
codec)
    # The codec is the reference that verdicts stand on: nothing may make it do something else. The reference device
    # deviates at its own seams, dut/firmware.
    refuse() { # PATTERN WHY
        found=$(ls -d bench/sfx/*.[ch] bench/sfx/*.def 2>/dev/null | xargs grep -nPI -- "$1" /dev/null || true)
        [ -z "$found" ] || { printf '%s\n' "$found" | sed "s|\$|    <- $2|"; breaches=1; }
    }
    set -- bench/sfx/*.c
    [ -f "$1" ] || { echo "bench/sfx: no source to look at"; exit 1; }
    refuse '(?i)(?<!de)fault|\bMUT[-_]|deviat|inject|tamper|misbehav|foxdut' 'no faults here; deviate in dut/firmware'
    refuse 'getenv|\bfopen|\bopen\(' 'the codec reads no settings'
    refuse '^\s*#\s*(if|ifdef|elif|else)\b' 'the codec is built in one way only'
    refuse '^(static|extern|_Thread_local) (?!const\b|inline\b)[^(]*[;=]' 'a global that can change'
    exit $breaches
    ;;
self)
    # A check that cannot fail proves nothing: one planted breach of each kind must be found.
    planted=$(mktemp -d)
    trap 'rm -rf "$planted"' EXIT
    refuses() { # KIND FILE TEXT
        printf "$3" >"$planted/$2"
        if FOX_SOURCE_DIR="$planted" "$here/style_test.sh" "$1" >"$planted/said" 2>&1; then
            echo "$1 does not see: $3"
            breaches=1
        fi
        grep -q "$2" "$planted/said" || { echo "$1 does not name $2"; breaches=1; }
        rm "$planted/$2"
    }
    printf 'int main(void)\n{\n    return 0;\n}\n' >"$planted/good.c"
    for kind in text cppcheck; do
        FOX_SOURCE_DIR="$planted" "$here/style_test.sh" $kind || breaches=1
    done
    refuses text a.c 'int a; \n'
    refuses text b.c '\tint b;\n'
    refuses text c.lua 'local c\r\n'
    refuses text d.c '// TO''DO: later\n'
    refuses text e.c 'void e(char *x) { strcpy(x, "y"); }\n'
    refuses text f.c 'int f;'
    refuses cppcheck g.c 'int g(void) { int a[2] = {0, 0}; return a[2]; }\n'
    refuses format h.c 'int   h( void );\n'
    refuses lua i.lua 'nobody = 1\n'
    mkdir -p "$planted/bench/sfx"
    printf 'int a(void)\n{\n    return 0; // by default\n}\n' >"$planted/bench/sfx/good.c"
    FOX_SOURCE_DIR="$planted" "$here/style_test.sh" codec || breaches=1
    refuses codec bench/sfx/j.c 'int j(bool fault);\n'
    refuses codec bench/sfx/k.h 'extern int skip_tag;\n'
    refuses codec bench/sfx/l.c 'static bool skip_tag;\n'
    refuses codec bench/sfx/m.c '#ifdef SKIP\n'
    refuses codec bench/sfx/n.c 'bool n(void) { return getenv("SKIP"); }\n'
    exit $breaches
    ;;
*)
    echo "usage: style_test.sh format | lua | cppcheck | text | shell | codec | self" >&2
    exit 4
    ;;
esac
