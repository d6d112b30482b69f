/* The speech front end, link by link: the formulas -> a float model (here)
 * -> the integers, on synthetic sound; the reference features of 2500 real
 * recordings -> the integers; broken WAV files -> errors. */
#include "examples/kws/frontend/fsdd.h"
#include "examples/kws/frontend/resample.h"
#include "examples/kws/frontend/wav.h"
#include "tests/unit/data.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BINS = 257, TAPS = 41, LONGEST = 17001 };
static const double pi = 3.14159265358979323846;

/* --- float model ----------------------------------------------------------
 * Written from the recipe, apart from the tables of the code under test. */

static double mel(double hz) {
    return 1127.0 * log(1.0 + hz / 700.0);
}

/* Weight of FFT bin k in band j: a triangle on the mel scale. */
static double weight(int k, int j) {
    const double step = (mel(4000.0) - mel(20.0)) / 41.0;
    const double low = mel(20.0) + j * step;
    const double x = (mel(k * 31.25) - low) / step;
    const double height = x < 1.0 ? x : 2.0 - x;
    return k > 0 && height > 0.0 ? height : 0.0;
}

/* Also the sum of the windowed samples, to which the transform's rounding
 * is relative. */
static double model_bands(const double *x, double *band) {
    double sum = 0.0;
    for (int j = 0; j < KWS_BANDS; j++) {
        band[j] = 1e-6;
    }
    for (int k = 0; k < BINS; k++) {
        double re = 0.0, im = 0.0;
        for (int n = 0; n < KWS_FRAME; n++) {
            const double hann = 0.5 - 0.5 * cos(2.0 * pi * n / KWS_FRAME);
            const double angle = 2.0 * pi * (k * n % KWS_FFT) / KWS_FFT;
            re += x[n] * hann * cos(angle);
            im -= x[n] * hann * sin(angle);
            sum += k == 0 ? fabs(x[n] * hann) : 0.0;
        }
        for (int j = 0; j < KWS_BANDS; j++) {
            band[j] += weight(k, j) * sqrt(re * re + im * im);
        }
    }
    return sum;
}

/* The coefficients before rounding: floor(c) is the answer. Returns the
 * error allowed: three times what independent errors in the bands would
 * give, where a band is off by the sum / 2^22 (the transform) and by 2^-21
 * (samples in Q26). */
static double model_frame(const double *x, double *c) {
    double band[KWS_BANDS], squares = 0.0;
    const double off = ldexp(model_bands(x, band), -22) + ldexp(1.0, -21);
    for (int j = 0; j < KWS_BANDS; j++) {
        const double r = off / band[j];
        squares += r < 0.9 ? log(1.0 - r) * log(1.0 - r) : 100.0;
    }
    for (int k = 0; k < KWS_COEFFICIENTS; k++) {
        double sum = 0.0;
        for (int j = 0; j < KWS_BANDS; j++) {
            sum += 2.0 / sqrt(80.0) * log(band[j]) *
                   cos(pi * k * (2 * j + 1) / 80.0);
        }
        c[k] = sum / 0.5847029 + 83.5;
    }
    return 0.0005 + 3.0 * 2.0 / sqrt(80.0) / 0.5847029 * sqrt(squares);
}

static int int8_of(double c) {
    return (int)floor(c < -128.0 ? -128.0 : (c > 127.0 ? 127.0 : c));
}

static void check_frame(const int8_t *got, const double *c, double error) {
    for (int k = 0; k < KWS_COEFFICIENTS; k++) {
        if (got[k] < int8_of(c[k] - error) || got[k] > int8_of(c[k] + error)) {
            fail_msg("coefficient %d is %d, the model says %f +- %f", k, got[k],
                     c[k], error);
        }
    }
}

static void dither(double *x, uint32_t state) {
    for (int n = -8; n < KWS_RATE; n++) {
        state = state * 1664525u + 1013904223u;
        if (n >= 0) {
            x[n] += ((state >> 16) / 32768.0 - 1.0) * 0.0052;
        }
    }
}

/* --- synthetic sound ------------------------------------------------------ */

static uint32_t noise(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

typedef enum shape { NOISE, TONE, CLICK, SQUARE } shape;

/* A sample of amplitude 1; the tone stands on a floor of faint noise. */
static double wave(shape kind, int n, uint32_t *random) {
    const double white = noise(random) / 2147483648.0 - 1.0;
    if (kind == TONE) {
        return 0.99 * sin(n * 0.1) + 0.003 * white;
    }
    if (kind == CLICK) {
        return n == 240 ? 1.0 : 0.0;
    }
    return kind == NOISE ? white : (n % 32 < 16 ? 1.0 : -1.0);
}

static void one_frame(shape kind, double amplitude) {
    kws_mfcc_work work;
    double x[KWS_FRAME], c[KWS_COEFFICIENTS];
    uint32_t random = 1;
    memset(&work, 0xa5, sizeof work);
    for (int n = 0; n < KWS_FRAME; n++) {
        const double v = wave(kind, n, &random) * amplitude;
        work.frame[n] = (int32_t)lrint(v * 67108864.0);
        x[n] = work.frame[n] / 67108864.0;
    }
    int8_t out[KWS_COEFFICIENTS];
    kws_mfcc_frame(&work, out);
    const double error = model_frame(x, c);
    assert_true(error < 0.16);
    check_frame(out, c, error);
}

static void test_frame(void **state) {
    (void)state;
    for (shape kind = NOISE; kind <= SQUARE; kind++) {
        one_frame(kind, 31.99);
        one_frame(kind, 1.0);
        one_frame(kind, 0.003);
    }
    one_frame(NOISE, 1e-5);
    one_frame(CLICK, 1e-5);
}

/* All bands empty: 40 ln(1e-6) 2 / sqrt(80) / 0.58 + 83.5 is below -128,
 * and the other coefficients sum to nothing. */
static void test_silence(void **state) {
    (void)state;
    kws_mfcc_work work;
    memset(&work, 0, sizeof work);
    int8_t out[KWS_COEFFICIENTS];
    kws_mfcc_frame(&work, out);
    assert_int_equal(out[0], -128);
    for (int k = 1; k < KWS_COEFFICIENTS; k++) {
        assert_int_equal(out[k], 83);
    }
}

/* The largest numbers that a frame can hold, as noise and square waves:
 * UBSan watches the bounds. Few bands of a square wave rise above what
 * rounding leaves, so that only the noise tests the values closely. */
static void test_extremes(void **state) {
    (void)state;
    uint32_t random = 9;
    for (int period = 1; period <= 512; period *= 2) {
        kws_mfcc_work work;
        double x[KWS_FRAME], c[KWS_COEFFICIENTS];
        for (int n = 0; n < KWS_FRAME; n++) {
            const bool up =
                period == 1 ? noise(&random) >> 31 != 0 : n / period % 2 != 0;
            work.frame[n] = up ? INT32_MAX : INT32_MIN;
            x[n] = work.frame[n] / 67108864.0;
        }
        int8_t out[KWS_COEFFICIENTS];
        kws_mfcc_frame(&work, out);
        const double error = model_frame(x, c);
        assert_true(period > 1 || error < 0.002);
        check_frame(out, c, error);
    }
}

/* --- interpolation -------------------------------------------------------- */

static double bessel(double x) {
    double term = 1.0, sum = 1.0;
    for (int k = 1; k < 40; k++) {
        term *= x * x / (4.0 * k * k);
        sum += term;
    }
    return sum;
}

static void design(double *h) {
    double sum = 0.0;
    for (int n = 0; n < TAPS; n++) {
        const double m = n - 20, arg = pi * m / 2.0;
        h[n] = bessel(5.0 * sqrt(1.0 - m * m / 400.0)) *
               (n == 20 ? 1.0 : sin(arg) / arg);
        sum += h[n];
    }
    for (int n = 0; n < TAPS; n++) {
        h[n] *= 2.0 / sum;
    }
}

/* Sample t of x with a zero after each sample, filtered. */
static double interpolate(const double *h, const int16_t *x, int length,
                          int t) {
    double sum = 0.0;
    for (int n = 0; n < TAPS; n++) {
        const int at = t + 20 - n;
        if (at >= 0 && at % 2 == 0 && at / 2 < length) {
            sum += h[n] * x[at / 2];
        }
    }
    return t >= 0 && t < 2 * length ? sum : 0.0;
}

/* Taps are rounded to 2^-15 at most: 21 of them, 32768 each: 21. Typically
 * far less; what the features feel is judged on real clips. */
static void test_resample(void **state) {
    (void)state;
    double h[TAPS];
    design(h);
    int16_t x[60];
    uint32_t random = 7;
    for (int n = 0; n < 60; n++) {
        x[n] = (int16_t)(noise(&random) & 1 ? -32768 : 32767);
    }
    for (int t = -50; t < 170; t++) {
        const double got = kws_resample_2x(x, 60, t) / 16384.0;
        const double want = interpolate(h, x, 60, t);
        assert_true(fabs(got - want) <= 21.0);
        assert_true(t % 2 != 0 || fabs(got - want) <= 1.0);
    }
    assert_int_equal(kws_resample_2x(x, 0, 0), 0);
}

/* The worst signs for the taps: |result| must stay below 2^31. */
static void test_resample_bound(void **state) {
    (void)state;
    double h[TAPS];
    design(h);
    int16_t x[20];
    for (int n = 0; n < 20; n++) {
        x[n] = h[1 + 2 * n] > 0 ? INT16_MIN : INT16_MAX;
    }
    const double want = interpolate(h, x, 20, 19);
    assert_true(want < -73000.0);
    assert_true(fabs(kws_resample_2x(x, 20, 19) / 16384.0 - want) <= 21.0);
}

/* --- a whole clip --------------------------------------------------------- */

/* Centred (or cut), divided by the largest, dithered, in float. */
static void model_clip(const kws_clip *clip, double *x) {
    double h[TAPS], largest = 0.0;
    design(h);
    const int length = clip->rate == 8000 ? 2 * clip->length : clip->length;
    const int skip = length > KWS_RATE ? (length - KWS_RATE) / 2 : 0;
    const int pad = length < KWS_RATE ? (KWS_RATE - length) / 2 : 0;
    for (int t = 0; t < KWS_RATE; t++) {
        const int i = t - pad + skip;
        x[t] = i < 0 || i >= length ? 0.0
               : clip->rate == 8000
                   ? interpolate(h, clip->audio, clip->length, i)
                   : clip->audio[i];
        largest = x[t] > largest ? x[t] : largest;
    }
    for (int t = 0; t < KWS_RATE; t++) {
        x[t] = largest > 0.0 ? x[t] / largest : 0.0;
    }
    dither(x, clip->seed);
}

/* A few frames: those that hold the edges of the sound, and the middle. */
static void check_clip(const kws_clip *clip) {
    static const int frames[] = {0, 1, 12, 24, 36, 47, 48};
    kws_mfcc_work work;
    int8_t out[KWS_FEATURES];
    memset(&work, 0x5a, sizeof work);
    kws_features(clip, out, &work);
    double *x = malloc(KWS_RATE * sizeof *x);
    assert_non_null(x);
    model_clip(clip, x);
    for (size_t n = 0; n < sizeof frames / sizeof frames[0]; n++) {
        double c[KWS_COEFFICIENTS];
        const double error = model_frame(&x[frames[n] * KWS_HOP], c) + 0.005;
        assert_true(error < 0.02);
        check_frame(&out[frames[n] * KWS_COEFFICIENTS], c, error);
    }
    free(x);
}

static void test_clip(void **state) {
    (void)state;
    static const int lengths[] = {0, 1, 2, 4001, 8000, 15999, 16000, LONGEST};
    int16_t *audio = malloc(LONGEST * sizeof *audio);
    assert_non_null(audio);
    uint32_t random = 3;
    for (int n = 0; n < LONGEST; n++) {
        audio[n] = (int16_t)((int)(noise(&random) >> 18) - 8192 +
                             (int)lrint(9000.0 * sin(n * 0.05)));
    }
    for (size_t n = 0; n < sizeof lengths / sizeof lengths[0]; n++) {
        check_clip(&(kws_clip){audio, lengths[n], 16000, 77});
        check_clip(&(kws_clip){audio, lengths[n], 8000, 0xffffffffu});
    }
    free(audio);
}

/* A clip gives the bytes of the same clip that was centred beforehand: the
 * odd sample goes behind. Every byte counts, and a shift by one sample moves
 * the sound against the dither. */
static void test_centre(void **state) {
    (void)state;
    static const int lengths[] = {1, 999, 8001, 15999, 16001, LONGEST};
    int16_t *audio = malloc(LONGEST * sizeof *audio);
    int16_t *second = malloc(KWS_RATE * sizeof *second);
    assert_true(audio != NULL && second != NULL);
    uint32_t random = 5;
    for (int n = 0; n < LONGEST; n++) {
        audio[n] = n % 700 == 0 ? 32767 : (int16_t)(noise(&random) >> 23);
    }
    for (size_t n = 0; n < sizeof lengths / sizeof lengths[0]; n++) {
        const int spare = KWS_RATE - lengths[n];
        for (int t = 0; t < KWS_RATE; t++) {
            const int i = spare >= 0 ? t - spare / 2 : t + -spare / 2;
            second[t] = i >= 0 && i < lengths[n] ? audio[i] : 0;
        }
        kws_mfcc_work work;
        int8_t got[KWS_FEATURES], want[KWS_FEATURES];
        kws_features(&(kws_clip){audio, lengths[n], 16000, 9}, got, &work);
        kws_features(&(kws_clip){second, KWS_RATE, 16000, 9}, want, &work);
        assert_memory_equal(got, want, sizeof got);
    }
    free(second);
    free(audio);
}

/* Without a positive sample a clip is silence, however loud; with a single
 * quiet one it saturates. Neither may overflow. */
static void test_lopsided(void **state) {
    (void)state;
    int16_t audio[400];
    int8_t out[KWS_FEATURES], silence[KWS_FEATURES];
    kws_mfcc_work work;
    for (int n = 0; n < 400; n++) {
        audio[n] = INT16_MIN;
    }
    kws_features(&(kws_clip){audio, 0, 16000, 5}, silence, &work);
    kws_features(&(kws_clip){audio, 400, 16000, 5}, out, &work);
    assert_memory_equal(out, silence, sizeof out);
    audio[200] = 1;
    kws_features(&(kws_clip){audio, 400, 16000, 5}, out, &work);
    assert_true(memcmp(out, silence, sizeof out) != 0);
}

/* --- real recordings ------------------------------------------------------ */

static const char *data_folder(void) {
    const char *folder = getenv("TINYPEFT_DATA");
    return folder != NULL ? folder : "../shared/data";
}

typedef struct score {
    int values;
    int equal;
    int worst;
} score;

static void compare(const int8_t *got, const int8_t *want, score *s) {
    for (int n = 0; n < KWS_FEATURES; n++) {
        const int difference = abs(got[n] - want[n]);
        s->values++;
        s->equal += difference == 0;
        s->worst = difference > s->worst ? difference : s->worst;
    }
}

static void compare_speaker(int speaker, score *s) {
    char name[512], folder[512];
    size_t size = 0;
    (void)snprintf(name, sizeof name, "fsdd_mfcc/%s.bin",
                   kws_fsdd_speaker(speaker));
    (void)snprintf(folder, sizeof folder, "%s/fsdd", data_folder());
    uint8_t *want = test_data(name, &size);
    if (want == NULL) {
        return; /* no features were made for this speaker */
    }
    assert_int_equal(size, 500 * KWS_FEATURES);
    for (int n = 0; n < 500; n++) {
        const kws_fsdd_clip clip = {n / 50, speaker, n % 50};
        int8_t got[KWS_FEATURES];
        const char *why = "";
        if (kws_fsdd_features(folder, clip, got, &why) != TP_OK) {
            fail_msg("clip %d of speaker %d: %s", n, speaker, why);
        }
        compare(got, (const int8_t *)want + n * KWS_FEATURES, s);
    }
    free(want);
}

static void test_recordings(void **state) {
    (void)state;
    score s = {0, 0, 0};
    for (int speaker = 0; speaker < KWS_FSDD_SPEAKERS; speaker++) {
        compare_speaker(speaker, &s);
    }
    if (s.values == 0) {
        skip();
    }
    print_message("%d of %d values equal, worst difference %d\n", s.equal,
                  s.values, s.worst);
    assert_int_equal(s.values, 2500 * KWS_FEATURES);
    assert_true(s.equal >= s.values / 1000 * 999);
    assert_true(s.worst <= 1);
}

static void test_no_such_clip(void **state) {
    (void)state;
    static const kws_fsdd_clip wrong[] = {{-1, 0, 0}, {10, 0, 0}, {0, -1, 0},
                                          {0, 6, 0},  {0, 0, -1}, {0, 0, 50}};
    int8_t out[KWS_FEATURES];
    const char *why = NULL;
    for (size_t n = 0; n < sizeof wrong / sizeof wrong[0]; n++) {
        assert_int_equal(kws_fsdd_features(".", wrong[n], out, &why),
                         TP_ERR_ARGUMENT);
    }
    assert_non_null(why);
    const kws_fsdd_clip absent = {0, 0, 0};
    assert_int_equal(kws_fsdd_features("no/such/folder", absent, out, NULL),
                     TP_ERR_IO);
}

/* --- WAV files ------------------------------------------------------------ */

/* "fmt " at 12, a chunk of odd size at 36, "data" at 48: 3 samples. */
static const uint8_t good[62] =
    "RIFF\x36\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0"
    "note\3\0\0\0abc\0"
    "data\6\0\0\0\1\0\xff\xff\0\x80";

/* Parses a copy of exactly that size, so that ASan sees any read beyond. */
static tp_status parse(const uint8_t *bytes, size_t size, kws_wav *wav) {
    const char *why = NULL;
    uint8_t *copy = malloc(size + (size == 0));
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    const tp_status status = kws_wav_parse(copy, size, wav, &why);
    assert_true((status == TP_OK) == (why == NULL));
    free(copy);
    return status;
}

static void test_wav_good(void **state) {
    (void)state;
    kws_wav wav;
    assert_int_equal(parse(good, sizeof good, &wav), TP_OK);
    assert_int_equal(wav.length, 3);
    assert_int_equal(wav.rate, 8000);
    assert_int_equal(wav.samples[0], 1);
    assert_int_equal(wav.samples[1], -1);
    assert_int_equal(wav.samples[2], -32768);
    kws_wav_free(&wav);
    assert_null(wav.samples);
}

static void test_wav_truncated(void **state) {
    (void)state;
    kws_wav wav;
    for (size_t size = 0; size < sizeof good; size++) {
        assert_int_equal(parse(good, size, &wav), TP_ERR_TRUNCATED);
    }
}

static void test_wav_refused(void **state) {
    (void)state;
    static const struct {
        size_t at;
        uint8_t byte;
        tp_status status;
    } cases[] = {{0, 'X', TP_ERR_MALFORMED},   {11, 'X', TP_ERR_MALFORMED},
                 {12, 'X', TP_ERR_TRUNCATED},  {16, 15, TP_ERR_TRUNCATED},
                 {19, 0xff, TP_ERR_TRUNCATED}, {20, 3, TP_ERR_UNSUPPORTED},
                 {22, 2, TP_ERR_UNSUPPORTED},  {24, 0x44, TP_ERR_UNSUPPORTED},
                 {32, 4, TP_ERR_MALFORMED},    {34, 8, TP_ERR_UNSUPPORTED},
                 {43, 0x80, TP_ERR_TRUNCATED}, {48, 'X', TP_ERR_TRUNCATED},
                 {52, 0, TP_ERR_MALFORMED},    {52, 5, TP_ERR_MALFORMED},
                 {52, 7, TP_ERR_TRUNCATED},    {55, 0xff, TP_ERR_TRUNCATED}};
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        uint8_t bytes[sizeof good];
        kws_wav wav;
        memcpy(bytes, good, sizeof good);
        bytes[cases[n].at] = cases[n].byte;
        assert_int_equal(parse(bytes, sizeof bytes, &wav), cases[n].status);
    }
}

/* Any damage is either refused or harmless. */
static void test_wav_damaged(void **state) {
    (void)state;
    uint32_t random = 11;
    int accepted = 0;
    for (int n = 0; n < 20000; n++) {
        uint8_t bytes[sizeof good];
        kws_wav wav;
        memcpy(bytes, good, sizeof good);
        for (int flips = 0; flips <= n % 3; flips++) {
            const uint32_t bit = noise(&random) % (8 * sizeof good);
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        if (parse(bytes, sizeof bytes, &wav) == TP_OK) {
            assert_in_range(wav.length, 1, 9);
            assert_true(wav.rate == 8000 || wav.rate == 16000);
            kws_wav_free(&wav);
            accepted++;
        }
    }
    assert_in_range(accepted, 1, 19999);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_resample),
        cmocka_unit_test(test_resample_bound),
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_centre),
        cmocka_unit_test(test_lopsided),
        cmocka_unit_test(test_recordings),
        cmocka_unit_test(test_no_such_clip),
        cmocka_unit_test(test_wav_good),
        cmocka_unit_test(test_wav_truncated),
        cmocka_unit_test(test_wav_refused),
        cmocka_unit_test(test_wav_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
