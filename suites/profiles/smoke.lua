-- The first look at a device, in minutes: does it authenticate, is it who it says, does its counter hold?
return {
  title = "Smoke: authentication and counters in minutes",
  cases = {
    "AUTH-UL-001", "AUTH-UL-002", "AUTH-UL-003", "AUTH-UL-004", "AUTH-UL-005",
    "CNT-UL-001", "CNT-UL-004",
  },
}
