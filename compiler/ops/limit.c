#include "compiler/ops/limit.h"

#include "core/fixed.h"

enum { WIDEST = 1 << 21, NARROWEST = 1 << 16 };

bool tp_pack_widest(tp_pack_fn *pack, void *packer, bool trained) {
    if (!trained) {
        return pack(packer, 0);
    }
    for (int32_t limit = WIDEST; limit >= NARROWEST; limit /= 2) {
        if (pack(packer, limit)) {
            return true;
        }
    }
    return false;
}

bool tp_limit_saturates(const tp_conv2d *d, int32_t oc, bool scaled,
                        const int64_t range[2], int32_t limit) {
    const int s = d->s[oc] - (scaled ? 4 : 0);
    if (s < -31) {
        return false;
    }
    const int32_t lowest = (int32_t)(range[0] + limit);
    const int32_t highest = (int32_t)(range[1] - limit);
    /* A larger factor takes a sum of the other sign further from that end. */
    if (scaled && (lowest < 0 || highest > 0)) {
        return false;
    }
    return tp_mbqm(lowest, d->m[oc], s) + d->y_zp >= d->y_max &&
           tp_mbqm(highest, d->m[oc], s) + d->y_zp <= d->y_min;
}
