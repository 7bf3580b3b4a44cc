#!/usr/bin/env python3
"""Makes the rows of keyrelation_vectors.h: tags of a device whose key was made out of another's.

Independent of the code under test: keys are whole numbers here, and openssl encrypts. Run it and
redirect its output to keyrelation_vectors.h.
"""
import subprocess

ID_A, ID_B = 0x00F0C5A1, 0x00F0C5B2
PAC_A, PAC_B = 0x5E7A1C0D9B3F2468, 0x91C4E07A2D5B8F36
KEY_A = 0x8F3B06D1C27E59A4F01D7C63B2984EA5
MESSAGES = [(5, "4142434445"), (6, "99"), (7, "000102030405060708090a0b")]  # counter, payload


def tag(key, device, counter, payload):
    n = len(payload)
    li = 0 if n == 1 else 3 - (n - 1) % 4
    head = (li << 14 | counter).to_bytes(2, "big")
    data = head + device.to_bytes(4, "little") + payload
    size = 16 if len(data) <= 16 else 32
    filled = (data * size)[:size]
    out = subprocess.run(
        ["openssl", "enc", "-aes-128-cbc", "-nopad", "-K", f"{key:032x}", "-iv", "0" * 32],
        input=filled, stdout=subprocess.PIPE, check=True).stdout
    return out[-16:][:2 + li].hex()


def words(value, order="big"):
    return [int.from_bytes(value.to_bytes(16, "big")[i:i + 4], order) for i in range(0, 16, 4)]


def join(list_, order="big"):
    return int.from_bytes(b"".join((w % 2**32).to_bytes(4, order) for w in list_), "big")


def rep(value):
    return int(f"{value % 2**32:08x}" * 4, 16)


def little(value, size):
    return int.from_bytes(value.to_bytes(size, "big"), "little")


M = 2**128
DIFF = (ID_B - ID_A) % 2**32
ROWS = [
    ("shared key", "K'", KEY_A),
    ("derived key", "K' XOR (ID XOR ID'), big-endian, in every word", KEY_A ^ rep(ID_A ^ ID_B)),
    ("derived key", "K' XOR (ID XOR ID'), little-endian, in every word",
     KEY_A ^ rep(little(ID_A ^ ID_B, 4))),
    ("derived key", "K' XOR ID, big-endian, in every word", KEY_A ^ rep(ID_B)),
    ("derived key", "K' XOR ID, little-endian, in word 4", KEY_A ^ little(ID_B, 4)),
    ("derived key", "K' XOR ID', big-endian, in word 1", KEY_A ^ ID_A << 96),
    ("derived key", "K' + (big-endian words) (ID - ID'), big-endian, in every word",
     join([w + DIFF for w in words(KEY_A)])),
    ("derived key", "K' - (big-endian words) ID, big-endian, in every word",
     join([w - ID_B for w in words(KEY_A)])),
    ("derived key", "K' + (little-endian words) (ID + ID'), little-endian, in every word",
     join([w + ID_A + ID_B for w in words(KEY_A, "little")], "little")),
    ("derived key", "K' + (one big-endian number) (ID' - ID), big-endian, in every word",
     (KEY_A + rep(ID_A - ID_B)) % M),
    ("derived key", "K' - (one little-endian number) (ID' - ID), little-endian, in word 1",
     little((little(KEY_A, 16) - (ID_A - ID_B) % 2**32) % M, 16)),
    ("derived key", "K' XOR (PAC XOR PAC'), twice",
     KEY_A ^ int(f"{PAC_A ^ PAC_B:016x}" * 2, 16)),
    ("derived key", "K' XOR PAC, bytes reversed, in the second half", KEY_A ^ little(PAC_B, 8)),
    ("derived key", "K' XOR 5a in every byte", KEY_A ^ int("5a" * 16, 16)),
    ("derived key", "K' + (one big-endian number) 1", (KEY_A + 1) % M),
    ("derived key", "K' - (one little-endian number) 256",
     little((little(KEY_A, 16) - 256) % M, 16)),
    ("derived key", "K' turned by 8 bytes", (KEY_A << 64 | KEY_A >> 64) % M),
    ("derived key", "K' with the bytes of each 16 reversed", little(KEY_A, 16)),
    ("derived key", "K' with the bytes of each 4 reversed", join(words(KEY_A, "little"))),
    ("derived key", "K' with the halves of each byte swapped",
     int("".join(h[1] + h[0] for h in (f"{b:02x}" for b in KEY_A.to_bytes(16, "big"))), 16)),
    (None, "nothing", 0x63D01F97AE5B2C48E1760A9D3F84B25C),
]

print("// Made by keyrelation_vectors.py with openssl: what device B sends under a key made out of A's.")
print(f"#define KEY_A \"{KEY_A:032x}\"")
print("static const struct {\n    const char *kind, *recipe; // NULL: A's key explains nothing")
print("    const char *tags[3];\n} rows[] = {")
for kind, recipe, key in ROWS:
    tags = [tag(key, ID_B, c, bytes.fromhex(p)) for c, p in MESSAGES]
    name = f'"{kind}"' if kind else "NULL"
    print(f'    {{{name},\n     "{recipe}",\n     {{' + ", ".join(f'"{t}"' for t in tags) + "}},")
print("};")
