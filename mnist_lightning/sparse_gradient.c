/* Gradients of a 3 x 3 convolution whose output's gradient is mostly zeros.
 *
 * Tensors are float32, channels last: inputs (N, H + 2, W + 2, C), gradient (N, H, W, O), weights
 * (O, 3, 3, C); C and O are multiples of 8. The three pixels under a row of the kernel lie side by
 * side, 3 C floats, so each number of the gradient that is not zero adds three such rows, scaled,
 * to the weights' gradient and three to the inputs'. Eight floats are one AVX register; a block is
 * as many registers as are summed in at once.
 */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { KERNEL = 3, FLOATS = 8, ROWS_AT_ONCE = 8 };

typedef struct { int images, height, width, inputs, outputs; } Shape;

typedef struct { float value; int32_t at; } Entry; /* a number, and what it multiplies */

typedef struct {
    Entry *entries;   /* of an image, pixel after pixel; at: the output channel */
    int32_t *starts;  /* of each pixel in the entries, and their end */
    Entry *lists;     /* of some rows, one list for each output channel; at: the pixel's inputs */
    int32_t *lengths; /* of the lists */
} Scratch;

size_t scratch_size(Shape s) {
    size_t pixels = (size_t)s.height * s.width;
    return (pixels + (size_t)ROWS_AT_ONCE * s.width) * s.outputs * sizeof(Entry) +
           (pixels + 2 + s.outputs) * sizeof(int32_t);
}

INLINE Scratch divide(char *memory, Shape s) {
    Entry *entries = (Entry *)memory, *lists = entries + s.height * s.width * s.outputs;
    int32_t *starts = (int32_t *)(lists + ROWS_AT_ONCE * s.width * s.outputs);
    return (Scratch){entries, starts, lists, starts + s.height * s.width + 1};
}

/* sums[0 .. block] += value * rows[at .. at + block], over the entries; at counts in units */
INLINE void add_rows(float *sums, const float *rows, const Entry *entry, const Entry *end,
                     int unit, int block) {
    __m256 sum[12];
    for (int i = 0; i < block; i++) sum[i] = _mm256_loadu_ps(sums + FLOATS * i);
    for (; entry < end; entry++) {
        const __m256 value = _mm256_broadcast_ss(&entry->value);
        const float *row = rows + (ptrdiff_t)entry->at * unit;
        for (int i = 0; i < block; i++)
            sum[i] = _mm256_fmadd_ps(value, _mm256_loadu_ps(row + FLOATS * i), sum[i]);
    }
    for (int i = 0; i < block; i++) _mm256_storeu_ps(sums + FLOATS * i, sum[i]);
}

/* Lists what is not zero; NaN is not. */
INLINE void collect(const float *gradient, Scratch scratch, Shape s) {
    Entry *entry = scratch.entries;
    for (int pixel = 0; pixel < s.height * s.width; pixel++) {
        scratch.starts[pixel] = entry - scratch.entries;
        for (int o = 0; o < s.outputs; o += FLOATS, gradient += FLOATS) {
            __m256 zeros = _mm256_setzero_ps(), values = _mm256_loadu_ps(gradient);
            unsigned found = _mm256_movemask_ps(_mm256_cmp_ps(values, zeros, _CMP_NEQ_UQ));
            for (; found; found &= found - 1) {
                int i = __builtin_ctz(found);
                *entry++ = (Entry){gradient[i], o + i};
            }
        }
    }
    scratch.starts[s.height * s.width] = entry - scratch.entries;
}

/* weights: (3, 3 C / block, O, block), so that those in use at a time fit the nearest cache */
INLINE void input_gradient(const float *weights, Scratch scratch, float *result, Shape s,
                           int block) {
    const int line = (s.width + KERNEL - 1) * s.inputs, floats = FLOATS * block;
    memset(result, 0, sizeof(float) * (s.height + KERNEL - 1) * line);
    for (int k = 0; k < KERNEL; k++)
        for (int b = 0; b < KERNEL * s.inputs; b += floats, weights += s.outputs * floats)
            for (int h = 0, pixel = 0; h < s.height; h++)
                for (int w = 0; w < s.width; w++, pixel++) {
                    const Entry *first = scratch.entries + scratch.starts[pixel];
                    const Entry *end = scratch.entries + scratch.starts[pixel + 1];
                    if (first < end)
                        add_rows(result + (h + k) * line + w * s.inputs + b, weights, first, end,
                                 floats, block);
                }
}

/* Adds to result (O, 3, 3, C). Some rows of the image at a time, for the cache's sake again. */
INLINE void weight_gradient(const float *inputs, Scratch scratch, float *result, Shape s,
                            int block) {
    const int line = (s.width + KERNEL - 1) * s.inputs, room = ROWS_AT_ONCE * s.width;
    for (int top = 0; top < s.height; top += ROWS_AT_ONCE) {
        memset(scratch.lengths, 0, sizeof(int32_t) * s.outputs);
        for (int h = top; h < s.height && h < top + ROWS_AT_ONCE; h++)
            for (int w = 0; w < s.width; w++) {
                const int32_t *start = scratch.starts + h * s.width + w;
                for (int32_t i = start[0]; i < start[1]; i++) {
                    const Entry entry = scratch.entries[i];
                    Entry *list = scratch.lists + entry.at * room;
                    list[scratch.lengths[entry.at]++] =
                        (Entry){entry.value, h * line + w * s.inputs};
                }
            }
        float *sums = result;
        for (int o = 0; o < s.outputs; o++)
            for (int k = 0; k < KERNEL; k++)
                for (int b = 0; b < KERNEL * s.inputs; b += FLOATS * block) {
                    const Entry *list = scratch.lists + o * room;
                    add_rows(sums, inputs + k * line + b, list, list + scratch.lengths[o], 1,
                             block);
                    sums += FLOATS * block;
                }
    }
}

INLINE void images(const float *inputs, const float *weights, const float *gradient,
                   float *input_result, float *weight_result, Scratch scratch, Shape s, int first,
                   int end, int block) {
    const size_t inputs_size = (size_t)(s.height + KERNEL - 1) * (s.width + KERNEL - 1) * s.inputs;
    const size_t gradient_size = (size_t)s.height * s.width * s.outputs;
    for (int n = first; n < end; n++) {
        collect(gradient + n * gradient_size, scratch, s);
        if (input_result)
            input_gradient(weights, scratch, input_result + n * inputs_size, s, block);
        if (weight_result)
            weight_gradient(inputs + n * inputs_size, scratch, weight_result, s, block);
    }
}

/* Registers in a block: 12 of the 16 there are, or what divides a row of the kernel. */
int block_size(int inputs) {
    const int row = KERNEL * inputs / FLOATS;
    return row % 12 == 0 ? 12 : row % 6 == 0 ? 6 : 3;
}

/* input_result (N, H + 2, W + 2, C) and weight_result (shares, O, 3, 3, C) may be NULL; scratch
 * holds shares times scratch_size. Each share sums its images in their order. */
void gradients(const float *inputs, const float *weights, const float *gradient,
               float *input_result, float *weight_result, char *scratch, Shape s, int shares) {
    const size_t weights_size = (size_t)s.outputs * KERNEL * KERNEL * s.inputs;
#pragma omp parallel for num_threads(shares) schedule(static)
    for (int share = 0; share < shares; share++) {
        const int first = (long)s.images * share / shares;
        const int end = (long)s.images * (share + 1) / shares;
        const Scratch own = divide(scratch + share * scratch_size(s), s);
        float *sums = weight_result ? weight_result + share * weights_size : NULL;
        if (sums) memset(sums, 0, sizeof(float) * weights_size);
        switch (block_size(s.inputs)) { /* a constant in each, for the compiler to unroll */
        case 12: images(inputs, weights, gradient, input_result, sums, own, s, first, end, 12); break;
        case 6: images(inputs, weights, gradient, input_result, sums, own, s, first, end, 6); break;
        default: images(inputs, weights, gradient, input_result, sums, own, s, first, end, 3);
        }
    }
}
