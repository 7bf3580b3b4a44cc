#!/bin/sh
# Help, manual page and completion say the same: every option of every command stands in each, every one is taken, and
# every command's help has its usage and an example. TAP.
set -u
. "$(dirname "$0")/common.sh"

# Options that a help text names: at the begin of its lines, or in its usage.
options_in() { grep -oE '(^|[ [|,])(--[a-z][a-z0-9-]*|-[a-z])\b' "$1" | grep -oE -- '--?[a-z][a-z0-9-]*$' | sort -u; }

"$fox" --help >help
commands=$(sed -n 's/^  \([a-z]*\) .*/\1/p' help)
"$fox" help --man >man
"$fox" help --bash >bash
verdict "there are commands" "$([ "$(echo "$commands" | wc -w)" -gt 8 ] || echo "found: $commands")"

for c in $commands; do
    "$fox" "$c" --help >text 2>err
    why=
    head -n 1 text | grep -q "^usage: foxbench $c" || why="no usage in the first line; "
    sed '1,/^For example:$/d' text | grep -qE "^  .*foxbench $c" || why="${why}no example; "
    "$fox" help "$c" >again 2>&1
    cmp -s text again || why="${why}foxbench help $c says something else; "
    awk 'length > 100' text | grep -q . && why="${why}a line beyond 100 columns; "
    verdict "$c: usage and example" "$why"

    sed '/^For example:$/,$d' text >own
    options_in own | grep -vxE -- '--help|-h|--list-faults' >named
    sed -n "/^\\.SS $c\$/,/^\\.S[SH]/p" man | sed -n 's/^\\fB\(\\-.*\)\\fR.*/\1/p' | sed 's/\\fR.*//; s/\\-/-/g' |
        sort -u >manual
    verdict "$c: the manual page has the options of its help" "$(diff named manual)"
    sed -n "/^    $c)\$/,/^        ;;\$/s/^        words='--help\(.*\)'\$/\1/p" bash | tr ' ' '\n' | sed '/^$/d' |
        sort -u >completed
    verdict "$c: so has the completion" "$(diff named completed)"

    # What is documented is taken: it complains of the option's value, or of the unknown option behind it.
    why=
    while read -r o; do
        sed -n "/^\\.SS $c\$/,/^\\.S[SH]/p" man | sed 's/\\-/-/g' | grep -qE "^.fB$o.fR .fI" && o="$o 1"
        # shellcheck disable=SC2086 # an option and its value
        "$fox" "$c" $o --frobnicate >out 2>err </dev/null
        grep -qE -- "--frobnicate|^foxbench $c: ${o% 1}: expected " err || why="$why$o: $(head -n 1 err); "
    done <manual
    verdict "$c: takes them" "$why"
done

verdict "the manual page has no errors" "$(
    command -v man >/dev/null || exit 0
    MANROFFSEQ='' LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z man 2>&1 >/dev/null)"
for c in $commands; do grep -qx "\\.SS $c" man || echo "$c"; done >missing
verdict "the manual page has every command" "$(cat missing)"

# The completion, as bash runs it.
complete() { # WORD…
    bash -c '. ./bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }
        _foxbench; printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}
verdict "bash takes the completion" "$(bash -n ./bash 2>&1)"
verdict "a command is completed" "$([ "$(complete foxbench doc)" = doctor ] || complete foxbench doc)"
verdict "an option is completed" "$([ "$(complete foxbench doctor --ud)" = --udev ] || complete foxbench doctor --ud)"
verdict "a value is completed" "$([ "$(complete foxbench run --profile sub)" = substantial ] || echo none)"
"$fox" help --frob >out 2>err
code=$?
verdict "an unknown page is refused" \
    "$([ $code -eq 4 ] && grep -q "expected a command, --man or --bash" err || cat out err)"
"$fox" help frob >out 2>err
code=$?
verdict "help of an unknown command is refused" \
    "$([ $code -eq 4 ] && grep -q "unknown command 'frob'" err || cat out err)"

finish
