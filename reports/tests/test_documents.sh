#!/usr/bin/env bash
# README and docs: every relative link leads somewhere, and every command block of README and QUICKSTART does what it
# says, line by line. `# exits N` at a line's end is the exit code expected (0 without it). bench/quickstart itself is
# only looked up, because it builds, and would run this test again; one short case stands in for its run.
set -u
root=${FOX_SOURCE_DIR:?} bin=${FOX_BIN_DIR:?}
failures=0
fail() {
    printf 'FAIL %s\n' "$*"
    failures=$((failures + 1))
}

# Links.
links=0
for file in "$root"/README.md "$root"/docs/*.md "$root"/docs/decisions/*.md; do
    while read -r target; do
        links=$((links + 1))
        case $target in
        http:* | https:* | '#'*) continue ;;
        esac
        [ -e "$(dirname "$file")/${target%%#*}" ] || fail "${file#"$root"/}: link to $target, which does not exist"
    done < <(grep -o '](\([^)]*\))' "$file" | sed 's/^](//; s/)$//')
done
[ "$links" -gt 20 ] || fail "only $links links were found: is this test reading the documents?"

# Command blocks, in a folder that looks like a built tree.
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir -p "$place/build/dev"
ln -s "$bin" "$place/build/dev/bin"
ln -s "$root/fixtures" "$place/fixtures"
ln -s "$root/bench" "$place/bench"
cd "$place" || exit 1

# Pages that a document has the reader save stand in the suites of a root of this test's own.
mkdir -p "$place/root"
for part in lua fixtures reports; do ln -s "$root/$part" "$place/root/$part"; done
cp -r "$root/suites" "$place/root/"
export FOXBENCH_ROOT="$place/root"
pages=0
while IFS=' ' read -r file path; do
    pages=$((pages + 1))
    mkdir -p "$place/root/$(dirname "$path")"
    sed -n "\|^\`\`\`lua $path\$|,/^\`\`\`\$/{/^\`\`\`/d;p}" "$root/$file" >"$place/root/$path"
    [ "$(wc -l <"$place/root/$path")" -le 15 ] || fail "$file: $path has more than 15 lines"
done < <(cd "$root" && sed -n 's|^```lua \(suites/[^ ]*\)$|docs/QUICKSTART.md \1|p' docs/QUICKSTART.md)
[ "$pages" -gt 0 ] || fail "docs/QUICKSTART.md: no page to save was found: is this test reading it?"
lines=0
declare -A carried_out
run_line() {
    local file=$1 line=$2 expected=0 code=0
    lines=$((lines + 1))
    case $line in
    *'# exits '*) expected=${line##*# exits } ;;
    esac
    bash -n -c "$line" || fail "$file: no valid shell: $line"
    # What two documents say word for word is carried out once.
    if [ -n "${carried_out[$line]:-}" ]; then
        printf 'ok %s: as %s: %s\n' "$file" "${carried_out[$line]}" "$line"
        return
    fi
    case $line in *' run --fault '*) carried_out[$line]=$file ;; esac
    case $line in
    bench/quickstart*)
        [ -x bench/quickstart ] || fail "$file: $line: no such program"
        grep -q "^${line#bench/quickstart })" bench/quickstart || fail "$file: $line: unknown argument"
        [ -e results/latest ] || run_line "$file" "build/dev/bin/foxbench run AUTH-UL-003"
        return
        ;;
    esac
    bash -c "$line" >out.txt 2>err.txt || code=$?
    if [ "$code" -ne "$expected" ]; then
        fail "$file: expected exit code $expected, got $code from: $line"
        cat out.txt err.txt | sed 's/^/    /' | tail -n 20
    else
        printf 'ok %s: %s\n' "$file" "$line"
    fi
    case $line in
    *' run '*AUTH-UL-003*) check_report '<h2>Not granted yet</h2>' 'Run without a fail: 1 case.' ;;
    *' run --fault '*)
        check_report '<h2>Refused</h2>' 'The device failed 1 case of 1' 'Seeded fault.' '>wrong</span>' 'bad_tag' \
            'data:image/png;base64,'
        check_excerpt
        ;;
    esac
}

# The report of the newest run is there and says all of this.
check_report() {
    local text
    for text in "$@"; do
        grep -qF -- "$text" results/latest/report/report.html || fail "the report of the last run lacks: $text"
    done
}

# README shows the output of the seeded fault as it is.
check_excerpt() {
    sed -n '/^TAP version 13$/,/^```$/{/^```/d;p}' "$root/README.md" >shown.txt
    [ -s shown.txt ] || fail "README.md: shows no TAP"
    diff shown.txt out.txt >diff.txt || {
        fail "README.md: the TAP shown (<) is not what comes (>)"
        sed 's/^/    /' diff.txt
    }
}
for file in README.md docs/QUICKSTART.md; do
    while IFS= read -r line; do
        [ -n "$line" ] && run_line "$file" "$line"
    done < <(sed -n '/^```sh$/,/^```$/{/^```/d;p}' "$root/$file")
done
[ "$lines" -gt 8 ] || fail "only $lines command lines were found: is this test reading the documents?"

[ "$failures" -eq 0 ] || {
    printf '%d failures\n' "$failures"
    exit 1
}
