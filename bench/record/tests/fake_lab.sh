#!/bin/sh
# A laboratory that does nothing, for tests of the supervisor (FOXBENCH_LAB names it). FAKE_LAB says how it fails.
case "$FAKE_LAB" in
unknown)
    echo "foxlab: unknown fault 'MUT-XXX-999'; foxlab faults lists them" >&2
    exit 4
    ;;
broken)
    echo "foxlab: no pseudo terminal can be made: no space" >&2
    exit 3
    ;;
mute) exit 0 ;;
garbage) echo "hello world" ;;
esac
echo "FAKE_LAB_PID=$$"
echo "FAKE_LAB_ARGS=$*"
echo ready
read -r _ # ends with the supervisor, which holds the other end
exit 0
