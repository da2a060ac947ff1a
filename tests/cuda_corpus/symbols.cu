// __device__ and __constant__ variables through their symbols: initial values, copies with offsets, addresses and sizes.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

struct Settings {
    int width;
    float scale;
    char name[8];
};

__constant__ Settings settings = {3, 0.25f, "first"};
__constant__ double coefficients[16];
__device__ int table[100] = {1, 2, 3};
__device__ const char* words[2] = {"alpha", "beta"};
static __device__ short hidden = -9;

__global__ void use(double* out, char* text) {
    out[0] = settings.width + settings.scale + settings.name[0];
    out[1] = coefficients[5] + coefficients[15];
    out[2] = table[2] + table[50] + hidden;
    for (int i = 0; i < 6; i++) text[i] = words[1][i % 5];
    table[99] = 77;
    hidden = 12;
}

int main() {
    double* d_out;
    char *d_text, text[6];
    double out[3], values[16];
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMalloc(&d_text, sizeof text));
    Settings changed = {40, 0.5f, "x"};
    for (int i = 0; i < 16; i++) values[i] = i * 1.5;
    int fifty = 50, last = 0;
    short seen = 0;
    use<<<1, 1>>>(d_out, d_text);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    bool initial = out[0] == 3.25 + 'f' && out[1] == 0 && out[2] == 3 - 9;
    CHECK(cudaMemcpyToSymbol(settings, &changed, sizeof changed));
    CHECK(cudaMemcpyToSymbol(coefficients, values + 4, 12 * sizeof(double), 4 * sizeof(double)));
    CHECK(cudaMemcpyToSymbol(table, &fifty, sizeof fifty, 50 * sizeof(int)));
    use<<<1, 1>>>(d_out, d_text);
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(text, d_text, sizeof text, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpyFromSymbol(&last, table, sizeof last, 99 * sizeof(int)));
    CHECK(cudaMemcpyFromSymbol(&seen, hidden, sizeof seen));
    void* address;
    size_t size;
    CHECK(cudaGetSymbolAddress(&address, table));
    CHECK(cudaGetSymbolSize(&size, table));
    int third;
    CHECK(cudaMemcpy(&third, (int*)address + 2, sizeof third, cudaMemcpyDeviceToHost));
    std::printf("%g %g %g, text %.4s, table[99] %d, hidden %d, size %d, third %d\n", out[0], out[1], out[2], text, last, seen, (int)size, third);
    bool right = initial && out[0] == 40.5 + 'x' && out[1] == 30 && out[2] == 3 + 50 + 12 && last == 77 && seen == 12 &&
                 size == sizeof(int) * 100 && third == 3 && text[0] == 'b' && text[3] == 'a' && text[5] == 'b';
    std::puts(right ? "PASS" : "FAIL results differ");
    return !right;
}
