// Objects made on the device with new, virtual functions, a ray tracer over them, and their end.
#include <cstdio>
#include <cmath>

struct vec3 {
    float x, y, z;
    __host__ __device__ vec3 operator-(vec3 o) const { return {x - o.x, y - o.y, z - o.z}; }
    __host__ __device__ float dot(vec3 o) const { return x * o.x + y * o.y + z * o.z; }
};

__device__ int alive;
class Hittable {
public:
    __device__ Hittable() { atomicAdd(&alive, 1); }
    __device__ virtual ~Hittable() { atomicSub(&alive, 1); }
    __device__ virtual float hit(vec3 o, vec3 d) const = 0;
};

class Sphere : public Hittable {
    vec3 c;
    float r;

public:
    __device__ Sphere(vec3 c, float r) : c(c), r(r) {}
    __device__ ~Sphere() override {}
    __device__ float hit(vec3 o, vec3 d) const override {
        vec3 oc = o - c;
        float a = d.dot(d), b = oc.dot(d), q = oc.dot(oc) - r * r, disc = b * b - a * q;
        return disc < 0 ? INFINITY : (-b - sqrtf(disc)) / a;
    }
};

class Plane : public Hittable {
    float y;

public:
    __device__ Plane(float y) : y(y) {}
    __device__ float hit(vec3 o, vec3 d) const override {
        float t = (y - o.y) / d.y;
        return t > 0 ? t : INFINITY;
    }
};

class World : public Hittable {
    Hittable** list;
    int n;

public:
    __device__ World(Hittable** l, int n) : list(l), n(n) {}
    __device__ ~World() {
        for (int i = 0; i < n; i++) delete list[i];
    }
    __device__ float hit(vec3 o, vec3 d) const override {
        float t = INFINITY;
        for (int i = 0; i < n; i++) t = fminf(t, list[i]->hit(o, d));
        return t;
    }
};

__global__ void make(Hittable** list, Hittable** world) {
    list[0] = new Sphere({0, 0, -5}, 1);
    list[1] = new Sphere({2, 0, -6}, 1.5f);
    list[2] = new Plane(-1);
    *world = new World(list, 3);
}

__global__ void render(float* out, int w, int h, Hittable** world) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= w || y >= h) return;
    out[y * w + x] = (*world)->hit({0, 0, 0}, {(x - w / 2) * 2.0f / w, (y - h / 2) * 2.0f / h, -1});
}

__global__ void unmake(Hittable** world) {
    delete *world;
}

int main() {
    const int w = 48, h = 32;
    float* out;
    Hittable **list, **world;
    cudaMallocManaged(&out, w * h * 4);
    cudaMalloc(&list, 3 * sizeof *list);
    cudaMalloc(&world, sizeof *world);
    cudaDeviceSetLimit(cudaLimitMallocHeapSize, 1 << 20);
    cudaDeviceSetLimit(cudaLimitStackSize, 4096);
    make<<<1, 1>>>(list, world);
    render<<<dim3((w + 15) / 16, (h + 7) / 8), dim3(16, 8)>>>(out, w, h, world);
    int n;
    cudaMemcpyFromSymbol(&n, alive, 4);
    int wrong = n != 4;
    unmake<<<1, 1>>>(world);
    cudaMemcpyFromSymbol(&n, alive, 4);
    wrong += n != 0;
    double worst = 0;
    int hits = 0;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            double dx = (x - w / 2) * 2.0 / w, dy = (y - h / 2) * 2.0 / h, best = INFINITY;
            double cs[2][4] = {{0, 0, -5, 1}, {2, 0, -6, 1.5}};
            for (auto& c : cs) {
                double a = dx * dx + dy * dy + 1, b = -c[0] * dx - c[1] * dy + c[2],
                       q = c[0] * c[0] + c[2] * c[2] - c[3] * c[3], disc = b * b - a * q;
                if (disc >= 0) best = fmin(best, (-b - sqrt(disc)) / a);
            }
            if (dy < 0) best = fmin(best, -1 / dy);
            float g = out[y * w + x];
            if (std::isinf(best) != std::isinf(g))
                wrong++;
            else if (!std::isinf(best)) {
                worst = fmax(worst, fabs(best - g));
                hits++;
            }
        }
    printf("%d alive, %s\n", n, cudaGetErrorString(cudaGetLastError()));
    bool ok = !wrong && worst < 1e-3 && hits > 100;
    std::puts(ok ? "PASS" : "FAIL results differ");
    return !ok;
}
