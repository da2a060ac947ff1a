// Calls through pointers on the device: a table of functions, a pointer handed over by the host, virtual functions.
#include <cstdio>
#include <cstdlib>
#include <new>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

typedef int (*Operation)(int, int);

__device__ __noinline__ int plus(int a, int b) { return a + b; }
__device__ __noinline__ int minus(int a, int b) { return a - b; }
__device__ __noinline__ int times(int a, int b) { return a * b; }
__device__ Operation operations[] = {plus, minus, times};
__device__ Operation chosen = times;

class Shape {
   public:
    __device__ virtual ~Shape() {}
    __device__ virtual float area() const = 0;
    __device__ virtual int corners() const { return 0; }
};
class Rectangle : public Shape {
    float width, height;

   public:
    __device__ Rectangle(float w, float h) : width(w), height(h) {}
    __device__ float area() const override { return width * height; }
    __device__ int corners() const override { return 4; }
};
class Circle : public Shape {
    float radius;

   public:
    __device__ explicit Circle(float r) : radius(r) {}
    __device__ float area() const override { return 3.0f * radius * radius; }
};

__global__ void run(Operation handed_over, int* out, float* areas) {
    int i = threadIdx.x;
    out[2 * i] = operations[i % 3](i, 5);
    out[2 * i + 1] = handed_over(i, 2);
    Shape* shape = i % 2 ? static_cast<Shape*>(new Rectangle(i, 2.0f)) : new Circle(i);
    areas[i] = shape->area() + 1000 * shape->corners();
    delete shape;
}

int main() {
    const int n = 32;
    int out[2 * n], *d_out, wrong = 0;
    float areas[n], *d_areas;
    Operation handed_over;
    CHECK(cudaMemcpyFromSymbol(&handed_over, chosen, sizeof handed_over));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMalloc(&d_areas, sizeof areas));
    run<<<1, n>>>(handed_over, d_out, d_areas);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(areas, d_areas, sizeof areas, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) {
        wrong += out[2 * i] != (i % 3 == 0 ? i + 5 : i % 3 == 1 ? i - 5 : i * 5) || out[2 * i + 1] != i * 2;
        wrong += areas[i] != (i % 2 ? i * 2.0f + 4000 : 3.0f * i * i);
    }
    std::printf("out[8] = %d, areas[5] = %g, %d wrong\n", out[8], areas[5], wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
