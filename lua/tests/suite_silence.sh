#!/bin/sh
# A device that is deaf, one that is merely polite and one that nobody can hear never pass a case;
# and as nothing proves the wires, nobody is blamed for it either.
. "$(dirname "$0")/suite_common.sh"
PATH=$1:$PATH
export PATH

scenario() { # NAME DEVICE LOSS [LINE]
    cat >"$scratch/$1.scenario" <<END
pluto  station1 serial=104473f0c5a100010203040506070809a0 ppm=0.0 figure=6dB
uart   dut1 baud=9600
uart   dut2 baud=9600
uart   dut3 baud=9600
device dut1 uart=dut1 $2
ftdi   ftdi1 serial=FOXFTDI1 device=dut1
path   dut1 station1 loss=$3
$4
END
}
scenario deaf "dummy_device deaf" 122dB
scenario polite "dummy_device polite" 122dB
foxdut="foxdut --id 00F0C5A1 --key file:{fixtures}/keys/foxdut.key --pac 5E7A1C0D9B3F2468"
scenario unheard "$foxdut" 220dB
scenario overflow "$foxdut" 122dB "at 8s overflow pluto station1"
scenario loud "$foxdut" 75dB
scenario deafening "$foxdut" 30dB
scenario dying "$foxdut" 122dB "at 30s kill device dut1"

for manner in deaf polite unheard; do
    lab "$scratch/$manner.scenario"
    check "$manner device: nothing passes" silent_on '^ok [^#]*$'
    check "$manner device: nothing fails" silent_on 'verdict: fail'
    check "$manner device: inconclusive, exit 6" exits 6
    check "$manner device: the text says that the path is not proven" says 'not proven'
done

# A correct device, but samples were lost: that nothing else was heard means nothing.
lab "$scratch/overflow.scenario" AUTH-UL-003
check "lost samples: inconclusive, exit 6" exits 6
check "lost samples: the bench is to blame" says 'blame: bench'
check "lost samples: the text says so" says 'samples were lost'

# A correct device that overloads the receiver: what does not decode is not its fault. Under a sanitizer the worst of it
# takes minutes and runs the same code.
manners="loud deafening"
[ -z "${FOX_SANITIZE:-}" ] || manners=loud
for manner in $manners; do
    lab "$scratch/$manner.scenario" AUTH-UL-003
    check "$manner device: nothing fails" silent_on 'verdict: fail'
    check "$manner device: the bench is to blame, or nobody" silent_on 'blame: \(device\|suite\)'
done
check "$manner device: the text says what to turn" says 'overloaded\|lower the gain'

# A device that answered and then dies is to blame: its port and its path had been proven.
lab "$scratch/dying.scenario" AUTH-UL-004
check "a device that dies fails, exit 1" exits 1
check "a device that dies is to blame" says 'blame: device'
check "the text says that it answered before" says 'has answered before'
finish
