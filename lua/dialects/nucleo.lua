-- The AT dialect of the modem firmware for ST Nucleo boards that goes with the public end-point library. Source: that
-- firmware and its parser; what they do not say is marked `assumed`. Answers must be verbose (ATV=1), as they are after
-- a reset: in its terse form every answer is a number. Data only.
return {
  name = "nucleo",
  baud = 115200,
  line_end = "\r",
  echo = false,
  ok = "OK",
  errors = { "ERROR:" },
  -- $MSG:frame 1,frame 2,frame 3,downlink,confirmation,network error,execution error[,payload,rssi]
  downlink = "$MSG:",
  downlink_pattern = "^%$MSG:%d,%d,%d,1,%d,%d,%d,(%x+)",
  downlink_at = "before",

  boot_s = 10, -- assumed: time from power to the first answer
  within_s = 6, -- assumed: local commands
  send_within_s = 15, -- assumed: one message at 100 bit/s
  downlink_within_s = 60, -- assumed

  ping = "ATI=3",
  identity = { id = "ATI=3", firmware = "ATI=1" }, -- it does not tell its PAC
  identity_answer = "end",

  questions = {
    "ATI", "ATI=0", "ATI=1", "ATI=2", "ATI=3", "AT$RC?", "AT$UL_BR?", "AT$N?", "AT$T_IFU?", "AT$T_CONF?",
    "AT$KEY_TYPE?", "AT$ERRORS?",
  },
  acting = {
    "AT$MSG", "AT$RFP", "AT$RC=", "AT$UL_BR=", "AT$N=", "AT$T_IFU=", "AT$T_CONF=", "AT$KEY_TYPE=", "ATE", "ATV", "ATQ",
  },

  messages = {
    empty = { ask = "AT$MSG=NULL,0", downlink = "AT$MSG=NULL,1" },
    bit0 = { ask = "AT$MSG=0,0", downlink = "AT$MSG=0,1" },
    bit1 = { ask = "AT$MSG=1,0", downlink = "AT$MSG=1,1" },
    bytes = { ask = "AT$MSG=%s,0", downlink = "AT$MSG=%s,1" },
  },

  once = { before = "AT$N=1", ask = "AT$MSG=0,0", after = "AT$N=3" },
  commands = {
    key_public = { "AT$KEY_TYPE=PUBLIC" },
    zones = { "AT$RC=RC2", "AT$RC=RC4", "AT$RC=RC1" },
  },

  extensions = {
    test_mode_j = { ask = "AT$RFP=J", within_s = 400, period_s = 18 },
  },
}
