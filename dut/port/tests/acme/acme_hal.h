// ACME end-point library: what it needs of a board. A foreign library as the test of the device
// port sees one: names, types and habits of its own, and nothing in it knows of a lab.
#ifndef ACME_HAL_H
#define ACME_HAL_H

typedef unsigned char acme_u8;
typedef signed char acme_s8;
typedef unsigned short acme_u16;
typedef short acme_s16;
typedef unsigned int acme_u32;

typedef enum { ACME_OK = 0, ACME_FAILED = 0x10 } ACME_status_t;
typedef enum { ACME_TMR_GUARD, ACME_TMR_WINDOW } ACME_timer_t;
typedef enum { ACME_RADIO_UP, ACME_RADIO_DOWN } ACME_direction_t;

typedef struct {
    ACME_direction_t direction;
    acme_u32 hz;
    acme_u16 bps;
    acme_s8 eirp_dbm;
} ACME_radio_cfg_t;

// MCU
void AcmeHal_GetId(acme_u8 id[4]);
ACME_status_t AcmeHal_Aes128Cbc(acme_u8 *buffer, acme_u8 size);
ACME_status_t AcmeHal_LoadNv(acme_u8 *record, acme_u8 size);
ACME_status_t AcmeHal_StoreNv(const acme_u8 *record, acme_u8 size);
void AcmeHal_TimerStart(ACME_timer_t which, acme_u32 ms);
void AcmeHal_TimerStop(ACME_timer_t which);
void AcmeHal_TimerWait(ACME_timer_t which);
void AcmeHal_GetVoltageTemperature(acme_u16 *idle_mv, acme_u16 *tx_mv, acme_s16 *tenth_degrees);
acme_u32 AcmeHal_Rand(void);

// RF
void AcmeRf_WakeUp(void);
void AcmeRf_Sleep(void);
ACME_status_t AcmeRf_Init(const ACME_radio_cfg_t *cfg);
ACME_status_t AcmeRf_Send(const acme_u8 *stream, acme_u8 size);
// 1: a frame of 15 bytes came before ACME_TMR_WINDOW was over.
int AcmeRf_Receive(acme_u8 *content, acme_s16 *rssi);
// 1: free before ACME_TMR_GUARD was over.
int AcmeRf_ChannelFree(acme_u32 bandwidth_hz, acme_s8 threshold_dbm, acme_u32 for_ms);

#endif
