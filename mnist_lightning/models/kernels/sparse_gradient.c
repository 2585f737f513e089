/* Gradients of a 3 x 3 convolution whose output's gradient is mostly zeros.
 *
 * Tensors are float32, channels last: images (N, H + 2, W + 2, C), gradient (N, H, W, O), weights
 * (O, 3, 3, C); C is a multiple of 32, O of 8. The three pixels under a row of the kernel lie side
 * by side, 3 C floats, so each number of the gradient that is not zero adds three such rows of the
 * weights to the images' gradient, and three of the image to the weights', each times the number.
 */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { KERNEL = 3, REGISTER = 8, REGISTERS = 12, BLOCK = REGISTER * REGISTERS }; /* floats */

const int sparse_gradient_interface = 1; /* counts changes of Shape and of gradients() */

/* rows: as many of an image's are sorted by output channel at once */
typedef struct { int images, height, width, inputs, outputs, rows; } Shape;

/* A number of the gradient and where the BLOCK begins that it multiplies. */
typedef struct { float value; int32_t at; } Entry;

/* sums[0 .. BLOCK] += value * from[at .. at + BLOCK], of each entry */
static inline void add(float *sums, const float *from, const Entry *entry, const Entry *end) {
    __m256 sum[REGISTERS];
    for (int i = 0; i < REGISTERS; i++) sum[i] = _mm256_setzero_ps();
    for (; entry < end; entry++) {
        const __m256 value = _mm256_broadcast_ss(&entry->value);
        const float *block = from + entry->at;
        for (int i = 0; i < REGISTERS; i++)
            sum[i] = _mm256_fmadd_ps(value, _mm256_loadu_ps(block + i * REGISTER), sum[i]);
    }
    for (int i = 0; i < REGISTERS; i++, sums += REGISTER)
        _mm256_storeu_ps(sums, _mm256_add_ps(_mm256_loadu_ps(sums), sum[i]));
}

/* Lists what is not zero, NaN included, pixel after pixel; starts (H W + 1) says where each begins.
 * Entries are at their output channel's block of the weights. */
static void collect(const float *gradient, Entry *entries, int32_t *starts, Shape s) {
    Entry *entry = entries;
    for (int pixel = 0; pixel < s.height * s.width; pixel++) {
        *starts++ = entry - entries;
        for (int o = 0; o < s.outputs; o += REGISTER, gradient += REGISTER) {
            const __m256 zeros = _mm256_setzero_ps(), values = _mm256_loadu_ps(gradient);
            unsigned found = _mm256_movemask_ps(_mm256_cmp_ps(values, zeros, _CMP_NEQ_UQ));
            for (; found; found &= found - 1) {
                const int i = __builtin_ctz(found);
                *entry++ = (Entry){gradient[i], (o + i) * BLOCK};
            }
        }
    }
    *starts = entry - entries;
}

/* weights: (3, 3 C / BLOCK, O, BLOCK), so that those in use at a time fit the nearest cache */
static void image_gradient(const float *weights, const Entry *entries, const int32_t *starts,
                           float *result, Shape s) {
    const int line = (s.width + KERNEL - 1) * s.inputs;
    memset(result, 0, sizeof(float) * (s.height + KERNEL - 1) * line);
    for (int k = 0; k < KERNEL; k++)
        for (int b = 0; b < KERNEL * s.inputs; b += BLOCK, weights += s.outputs * BLOCK)
            for (int h = 0, pixel = 0; h < s.height; h++)
                for (int w = 0; w < s.width; w++, pixel++)
                    if (starts[pixel] < starts[pixel + 1])
                        add(result + (h + k) * line + w * s.inputs + b, weights,
                            entries + starts[pixel], entries + starts[pixel + 1]);
}

/* Lists the entries of rows top .. end by output channel: room for each, lengths (O) in use.
 * Entries are at their pixel of the image. */
static void sort(const Entry *entries, const int32_t *starts, Entry *lists, int32_t *lengths,
                 int top, int end, Shape s) {
    const int room = s.rows * s.width;
    memset(lengths, 0, sizeof(int32_t) * s.outputs);
    for (int h = top; h < end; h++)
        for (int w = 0; w < s.width; w++) {
            const int pixel = h * s.width + w, at = (h * (s.width + KERNEL - 1) + w) * s.inputs;
            for (const Entry *e = entries + starts[pixel]; e < entries + starts[pixel + 1]; e++) {
                const int o = e->at / BLOCK;
                lists[o * room + lengths[o]++] = (Entry){e->value, at};
            }
        }
}

/* Adds to sums (O, 3, 3, C); some rows at a time, which fit the nearest cache again. */
static void weight_gradient(const float *image, const Entry *entries, const int32_t *starts,
                            Entry *lists, int32_t *lengths, float *sums, Shape s) {
    const int line = (s.width + KERNEL - 1) * s.inputs, room = s.rows * s.width;
    for (int top = 0; top < s.height; top += s.rows) {
        sort(entries, starts, lists, lengths, top,
             top + s.rows < s.height ? top + s.rows : s.height, s);
        float *sum = sums;
        for (int o = 0; o < s.outputs; o++)
            for (int k = 0; k < KERNEL; k++)
                for (int b = 0; b < KERNEL * s.inputs; b += BLOCK, sum += BLOCK)
                    add(sum, image + k * line + b, lists + o * room,
                        lists + o * room + lengths[o]);
    }
}

/* Each share of the images, a thread's, is summed in their order.
 *
 * image_results (N, H + 2, W + 2, C) and weight_results (shares, O, 3, 3, C) may be NULL; entries
 * (shares, H + rows, W, O) and counts (shares, H W + 1 + O) are for use within. */
void gradients(const float *images, const float *weights, const float *gradient,
               float *image_results, float *weight_results, Entry *entries, int32_t *counts,
               Shape s, int shares) {
    const size_t image = (size_t)(s.height + KERNEL - 1) * (s.width + KERNEL - 1) * s.inputs;
    const size_t pixels = (size_t)s.height * s.width, kernel = KERNEL * KERNEL * s.inputs;
#pragma omp parallel for num_threads(shares) schedule(static)
    for (int share = 0; share < shares; share++) {
        Entry *list = entries + share * (s.height + s.rows) * (size_t)s.width * s.outputs;
        int32_t *starts = counts + share * (pixels + 1 + s.outputs);
        float *sums = weight_results ? weight_results + share * kernel * s.outputs : NULL;
        if (sums) memset(sums, 0, sizeof(float) * kernel * s.outputs);
        const long first = (long)s.images * share / shares;
        const long end = (long)s.images * (share + 1) / shares;
        for (long n = first; n < end; n++) {
            collect(gradient + n * pixels * s.outputs, list, starts, s);
            if (image_results) image_gradient(weights, list, starts, image_results + n * image, s);
            if (sums)
                weight_gradient(images + n * image, list, starts, list + pixels * s.outputs,
                                starts + pixels + 1, sums, s);
        }
    }
}
