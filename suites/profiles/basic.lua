-- Level basic: every case that this level demands, with the full number of trials.
return {
  title = "Basic: protocol, credentials, closed ports, a counter that holds",
  cases = {
    "AUTH-UL-001", "AUTH-UL-002", "AUTH-UL-003", "AUTH-UL-004", "AUTH-UL-005", "AUTH-UL-006", "AUTH-UL-007",
    "AUTH-DL-001", "AUTH-DL-002", "AUTH-DL-004", "AUTH-DL-006", "AUTH-DL-007", "AUTH-DL-008",
    "CLN-ID-001",
    "CNT-UL-001", "CNT-UL-002", "CNT-UL-003", "CNT-UL-004", "CNT-UL-005", "CNT-UL-009", "CNT-UL-010",
    "CNT-DL-001",
    "ENC-001", "ENC-002", "ENC-003", "ENC-007",
    "FWL-002",
    "KEY-DBG-002", "KEY-MEM-001", "KEY-SER-001",
  },
}
