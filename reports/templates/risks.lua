-- What no device of this kind can mend, because the protocol is so: printed in every report, and never held against
-- a device.
return {
  {
    "The message counter has 12 bits.",
    "After at most 4096 messages it starts again, and a recorded frame of the last round becomes acceptable. At the "
      .. "140 messages a day that the European band allows that takes less than 30 days.",
  },
  {
    "Short messages carry short authentication tags.",
    "Empty, one-bit, 1-, 4-, 8- and 12-byte messages have a tag of 2 bytes: on average 32 768 attempts forge one, "
      .. "about 10 hours of transmitting at 100 bit/s on one channel, under 2 hours at 600 bit/s. Messages of 5 and 9 "
      .. "bytes have 5 bytes.",
  },
  {
    "The length of a message is not fully authenticated.",
    "The tag does not cover the frame type, and its input is filled up by repetition. So a genuine 6-byte message can "
      .. "be sent again as a 10-byte message that verifies, and a 2-byte message likewise. An application must not "
      .. "trust the length alone.",
  },
  {
    "Control and application messages share one tag.",
    "A frame of one kind verifies as the other kind when length and content fit, since only the frame type tells the "
      .. "kind.",
  },
  {
    "Frequency hopping can be predicted.",
    "The hop sequence comes from a small public generator. Who hears one message knows where the next ones will be, "
      .. "and can jam them selectively.",
  },
  {
    "Identity and habits are readable.",
    "Device identifier, counter, message length, times of sending and the values of a keep-alive travel in clear. The "
      .. "whitening of downlinks uses public values and hides nothing.",
  },
  {
    "Downlinks carry a tag of 2 bytes.",
    "Somebody near the device can try up to 67 forged answers in one receive window: about one chance in a thousand "
      .. "for each window.",
  },
  {
    "The optional payload encryption has a published weakness.",
    "Its details could not be examined here; confidentiality that matters needs protection by the application itself.",
  },
}
