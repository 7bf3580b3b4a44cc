-- Level basic: every case that this level demands, with the full number of trials.
return {
  title = "Basic: protocol, credentials, closed ports, a counter that holds",
  cases = {
    "AUTH-UL-001", "AUTH-UL-002", "AUTH-UL-003", "AUTH-UL-004", "AUTH-UL-005",
    "AUTH-DL-001", "AUTH-DL-002",
    "CLN-ID-001",
    "CNT-UL-001", "CNT-UL-004", "CNT-UL-005",
    "ENC-001", "ENC-002",
    "FWL-002",
    "KEY-DBG-002", "KEY-MEM-001", "KEY-SER-001",
  },
}
