#include "dut/firmware/pins.h"

#include "dut/firmware/device.h"
#include "dut/firmware/layout.h"

// The lab is told of changes alone.
static void drive(struct device *d, bool on)
{
    if (on != d->actuator) devport_gpio_write(d->port, LAYOUT_PIN_ACTUATOR, on);
    d->actuator = on;
}

void pins_boot(struct device *d)
{
    drive(d, false);
}

void pins_taken(struct device *d, const uint8_t payload[])
{
    drive(d, payload[LAYOUT_ACTUATOR_BYTE] & LAYOUT_ACTUATOR_BIT);
}

void pins_refused(struct device *d, const uint8_t payload[])
{
    if (faults_on(&d->faults, FAULT_DOWN_PIN)) pins_taken(d, payload);
}

void pins_sent(struct device *d)
{
    if (faults_on(&d->faults, FAULT_BLINK)) drive(d, !d->actuator);
}
