-- The first look at a device, in minutes: every pillar in a few cases, with fewer trials where the case says so.
return {
  title = "Smoke: every pillar in minutes",
  cases = {
    "AUTH-UL-001", "AUTH-UL-002", "AUTH-UL-003", "AUTH-UL-004", "AUTH-UL-005",
    "AUTH-DL-001", "AUTH-DL-002",
    "CLN-ID-001",
    "CNT-UL-001", "CNT-UL-002", "CNT-UL-004", "CNT-UL-005",
    "ENC-001", "ENC-002",
    "FWL-002",
    "JAM-UL-002",
    "RES-RX3-001",
    "KEY-DBG-002", "KEY-MEM-001", "KEY-SER-001",
  },
}
