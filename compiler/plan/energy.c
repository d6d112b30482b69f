#include "compiler/plan/energy.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* --- radios ---------------------------------------------------------------
 *
 * uJ for each byte of payload in the largest frame, acknowledged. A retry, a
 * poor link, joining and the wake-up of a modem come on top and are not
 * counted: sending looks cheaper here than it is. */
#define RADIOS                                                                 \
    { 0.21, 1.1, 141, 375 }

const char *const tp_radio_names[TP_RADIO_COUNT] = {
    "Bluetooth LE", "IEEE 802.15.4", "LoRaWAN", "NB-IoT"};

const char *const tp_radio_sources[TP_RADIO_COUNT] = {
    /* 261 B on air * 8 us * 7.1 mA * 3 V, then 380 us of gaps and reply at
     * 6.5 mA * 3 V: 51.9 uJ for 244 B */
    "derived: nRF52832 product specification 1.1, 7.1 mA TX at 0 dBm, 6.5 mA "
    "RX, 3 V; LE 1M, 244 B of payload a packet, with gaps and reply",
    /* 133 B * 32 us * 21.3 mW, then 864 us at 19.5 mW: 107.5 uJ for 100 B */
    "derived: the same currents at 250 kbit/s; 100 B of payload in a 127 B "
    "frame, with channel assessment, turn-around and acknowledgement",
    /* 368.9 ms * 25.5 mA * 3.3 V, then 26 ms at 4.2 mA: 31.4 mJ for 222 B */
    "derived: SX1261/2, 4.2 mA RX (data sheet), 25.5 mA TX at +14 dBm "
    "(assumed), 3.3 V; SF7, 125 kHz, 222 B of payload: 369 ms on air. SF12 "
    "takes some 30 times as much",
    /* 8 bit / 16.9 kbit/s * 220 mA * 3.6 V */
    "assumed: 220 mA at 3.6 V and +23 dBm, one 15 kHz tone at 16.9 kbit/s. "
    "Signalling costs more than the data for short messages: Michelinakis et "
    "al. 2020, Dissecting Energy Consumption of NB-IoT Devices Empirically",
};

/* --- targets --------------------------------------------------------------
 *
 * pj_cycle = uA/MHz * V. Data sheets give currents for Dhrystone or CoreMark
 * from flash with its accelerator on, at room temperature, peripherals off.
 * Cycles: Arm's technical reference manuals give 1 for MUL, MLA and SMLABB of
 * a Cortex-M3/M4/M33, 2 for a single load (1 where loads follow each other); a
 * kernel's other instructions are ALU (1) and taken branches (2 to 4).
 * loads_mac 1.25: the dot product of the `ref` kernels loads five values for
 * four multiply-accumulates (runtime/kernels/ref/conv.h).
 * `instructions`: KWS with LoRA, a sample, counted under QEMU: 62.8 million on
 * a Cortex-M0, 32.1 on an M3, 32.0 on an M4.
 * Flash: 82 us for 8 bytes, 22 ms for a page of 2048, both at 3.4 mA and 3 V:
 * 105 and 110 nJ a byte; nRF52 parts: 41 us a word, 85 ms a page of 4096. */

const tp_energy_target tp_energy_targets[TP_N_ENERGY_TARGETS] = {
    {"cortex-m0plus",
     "STM32L072",
     {32, 279, 1, 2, 1.2, 1.25, 2.0, 105, 110, 128, 0.0026, RADIOS},
     "data sheet, DocID027100: 93 uA/MHz, 0.86 uA in Stop with RTC and RAM, at "
     "3 V; "
     "instructions counted under QEMU; flash as for cortex-m4 (assumed)"},
    {"cortex-m3",
     "STM32L151",
     {32, 642, 1, 1.5, 1.2, 1.25, 1.0, 105, 110, 256, 0.0042, RADIOS},
     "assumed: 214 uA/MHz and 1.4 uA in Stop at 3 V, 130 nm; not read again "
     "for this table; instructions counted under QEMU"},
    {"cortex-m4",
     "STM32L476",
     {80, 300, 1, 1.5, 1.2, 1.25, 1.0, 105, 110, 2048, 0.0042, RADIOS},
     "data sheet, features: 100 uA/MHz, at 3 V without SMPS (to 26 MHz; 120 at "
     "80 "
     "MHz), 1.4 uA in Stop 2 with RTC (assumed); instructions counted under "
     "QEMU"},
    {"cortex-m7",
     "STM32H7 class",
     {280, 290, 0.6, 0.8, 0.7, 1.25, 1.0, 105, 110, 8192, 0.1, RADIOS},
     "assumed: 88 uA/MHz at 3.3 V with SMPS; two instructions a cycle at best; "
     "no data sheet was read for this row"},
    {"cortex-m33",
     "nRF5340",
     {64, 155, 1, 1.5, 1.2, 1.25, 1.0, 55, 80, 4096, 0.0039, RADIOS},
     "product specification: 3.3 mA at 64 MHz from flash with cache and DC/DC, "
     "3 V (7.8 mA at 128 MHz: 183 pJ); 1.3 uA in System ON idle; flash derived "
     "from write and erase times at 5 mA (assumed)"},
    {"cortex-m55",
     "no part",
     {160, 100, 1, 1.2, 1.1, 1.25, 1.0, 105, 110, 4096, 0.01, RADIOS},
     "assumed, between what makers announce; the `ref` kernels use no vector "
     "instruction, so none of the core's advantage is in here"},
    {"rv32",
     "ESP32-C3",
     {160, 553, 1, 2, 1.3, 1.25, 1.2, 150, 110, 4096, 1.2, RADIOS},
     "measured by R. Dobson 2023 on a board: 26.8 mA at 160 MHz, 3.3 V, radio "
     "off; 0.35 mA in light sleep; instructions and flash assumed"},
};

const tp_energy_target *tp_energy_find(const char *name) {
    for (int i = 0; i < TP_N_ENERGY_TARGETS; i++) {
        if (strcmp(tp_energy_targets[i].name, name) == 0) {
            return &tp_energy_targets[i];
        }
    }
    return NULL;
}

/* --- overriding ----------------------------------------------------------- */

typedef struct key {
    const char *name;
    size_t offset;
} key;

#define KEY(field)                                                             \
    { #field, offsetof(tp_energy, field) }
#define RADIO_AT(r) (offsetof(tp_energy, radio) + (r) * sizeof(double))

static const key keys[] = {
    KEY(mhz),
    KEY(pj_cycle),
    KEY(cycles_mac),
    KEY(cycles_load),
    KEY(cycles_other),
    KEY(loads_mac),
    KEY(instructions),
    KEY(nj_write),
    KEY(nj_erase),
    KEY(page),
    KEY(mw_sleep),
    {"ble", RADIO_AT(TP_RADIO_BLE)},
    {"802154", RADIO_AT(TP_RADIO_802154)},
    {"lorawan", RADIO_AT(TP_RADIO_LORAWAN)},
    {"nbiot", RADIO_AT(TP_RADIO_NBIOT)},
};

static double *find_field(tp_energy *energy, const char *name, size_t n) {
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strlen(keys[i].name) == n && memcmp(keys[i].name, name, n) == 0) {
            return (double *)(void *)((char *)energy + keys[i].offset);
        }
    }
    return NULL;
}

/* A real number from 0 to 1e9 that ends at a comma or the end. */
static bool read_value(const char *text, double *value) {
    char *end = NULL;
    *value = strtod(text, &end);
    return end != text && (*end == ',' || *end == '\0') && isfinite(*value) &&
           *value >= 0 && *value <= 1e9;
}

static tp_status bad_key(const char *list, tp_diag *diag) {
    char names[256] = "";
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        (void)strncat(names, i > 0 ? ", " : "",
                      sizeof names - strlen(names) - 1);
        (void)strncat(names, keys[i].name, sizeof names - strlen(names) - 1);
    }
    return tp_error(diag, TP_ERR_ARGUMENT,
                    "--energy: '%s' is no key=value with a number of at least "
                    "0; the keys are %s",
                    list, names);
}

tp_status tp_energy_override(tp_energy *energy, const char *list,
                             tp_diag *diag) {
    tp_energy changed = *energy;
    for (const char *at = list; *at != '\0';) {
        const size_t n = strcspn(at, "=,");
        double *field = find_field(&changed, at, n);
        double value = 0;
        if (at[n] != '=' || field == NULL || !read_value(at + n + 1, &value)) {
            return bad_key(at, diag);
        }
        *field = value;
        at += strcspn(at, ",");
        at += *at == ',' ? 1 : 0;
    }
    if (changed.mhz <= 0 || changed.page <= 0) {
        return tp_error(diag, TP_ERR_ARGUMENT,
                        "--energy: mhz and page must be above 0");
    }
    *energy = changed;
    return TP_OK;
}

/* --- the model ------------------------------------------------------------ */

/* Loads and multiply-accumulates are among the instructions; where a kernel has
 * fewer instructions than that, the rest is none. */
double tp_energy_cycles(const tp_energy *energy, tp_work work) {
    const double loads = work.macs * energy->loads_mac;
    const double rest = fmax(work.instructions - work.macs - loads, 0);
    return energy->instructions *
           (work.macs * energy->cycles_mac + loads * energy->cycles_load +
            rest * energy->cycles_other);
}

double tp_energy_uj(const tp_energy *energy, tp_work work) {
    return tp_energy_cycles(energy, work) * energy->pj_cycle * 1e-6;
}

double tp_energy_ms(const tp_energy *energy, tp_work work) {
    return tp_energy_cycles(energy, work) / (energy->mhz * 1e3);
}

tp_energy_result tp_energy_adapt(const tp_energy *energy,
                                 const tp_adaptation *adaptation) {
    const double pages = ceil(adaptation->blob_bytes / energy->page);
    tp_energy_result r = {
        .store_uj = (adaptation->blob_bytes * energy->nj_write +
                     pages * energy->page * energy->nj_erase) *
                    1e-3,
        .adapt_s =
            (adaptation->samples * tp_energy_ms(energy, adaptation->keep) +
             adaptation->updates * tp_energy_ms(energy, adaptation->update)) *
            1e-3,
        .asleep_day_mj = energy->mw_sleep * 86400.0};
    const double keep_mj = tp_energy_uj(energy, adaptation->keep) * 1e-3;
    const double fixed_mj =
        (adaptation->updates * tp_energy_uj(energy, adaptation->update) +
         r.store_uj) *
        1e-3;
    r.adapt_mj = fixed_mj + adaptation->samples * keep_mj;
    for (int i = 0; i < TP_RADIO_COUNT; i++) {
        const double sample_mj =
            adaptation->sample_bytes * energy->radio[i] * 1e-3;
        r.send_mj[i] = adaptation->samples * sample_mj;
        r.break_even[i] = sample_mj > keep_mj ? fixed_mj / (sample_mj - keep_mj)
                                              : (double)INFINITY;
    }
    return r;
}
