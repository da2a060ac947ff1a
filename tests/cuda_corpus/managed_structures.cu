// Linked structures in managed memory: a base class with operator new, prefetch and advice, attach to a stream.
#include <cstdio>
#include <cstring>

class Managed {
public:
    void* operator new(size_t len) {
        void* p;
        cudaMallocManaged(&p, len);
        cudaDeviceSynchronize();
        return p;
    }
    void operator delete(void* p) {
        cudaDeviceSynchronize();
        cudaFree(p);
    }
};

class Text : public Managed {
    int length;
    char* data;

public:
    Text(const char* s) {
        length = strlen(s);
        cudaMallocManaged(&data, length + 1);
        strcpy(data, s);
    }
    Text(const Text& o) {
        length = o.length;
        cudaMallocManaged(&data, length + 1);
        strcpy(data, o.data);
    }
    ~Text() { cudaFree(data); }
    __host__ __device__ char& operator[](int i) { return data[i]; }
    __host__ __device__ int size() const { return length; }
};

struct Node : Managed {
    int key;
    Text name;
    Node* next;
    Node(int k, const char* s, Node* n) : key(k), name(s), next(n) {}
};

__global__ void shout(Node* head) {
    Node* n = head;
    for (unsigned i = 0; i < blockIdx.x; i++) n = n->next;
    for (int i = threadIdx.x; i < n->name.size(); i += blockDim.x)
        if (n->name[i] >= 'a' && n->name[i] <= 'z') n->name[i] -= 32;
    if (threadIdx.x == 0) n->key *= 10;
}

__global__ void by_value(Text t, int* sum) {
    int s = 0;
    for (int i = 0; i < t.size(); i++) s += t[i];
    *sum = s;
}

__global__ void add(float* x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] += i;
}

__managed__ int total;
__managed__ float table[8] = {1, 2, 3, 4, 5, 6, 7, 8};
__global__ void sum_table() {
    atomicAdd(&total, (int)table[threadIdx.x]);
    table[threadIdx.x] *= 2;
}

int main() {
    int wrong = 0;
    Node* head = new Node(1, "alpha", new Node(2, "beta", new Node(3, "gamma", nullptr)));
    shout<<<3, 32>>>(head);
    cudaDeviceSynchronize();
    const char* want[] = {"ALPHA", "BETA", "GAMMA"};
    int k = 0;
    for (Node* n = head; n; n = n->next, k++) wrong += n->key != 10 * (k + 1) || strcmp(&n->name[0], want[k]);
    int* sum;
    cudaMallocManaged(&sum, 4);
    by_value<<<1, 1>>>(head->name, sum);
    cudaDeviceSynchronize();
    wrong += *sum != 'A' + 'L' + 'P' + 'H' + 'A';
    const int n = 1 << 16;
    float* x;
    cudaMallocManaged(&x, n * 4);
    for (int i = 0; i < n; i++) x[i] = 1;
    int device;
    cudaGetDevice(&device);
#if CUDART_VERSION >= 13000
    cudaMemLocation gpu = {cudaMemLocationTypeDevice, device}, cpu = {cudaMemLocationTypeHost, 0};
    wrong += cudaMemAdvise(x, n * 4, cudaMemAdviseSetPreferredLocation, gpu) != cudaSuccess;
    wrong += cudaMemAdvise(x, n * 4, cudaMemAdviseSetAccessedBy, cpu) != cudaSuccess;
    wrong += cudaMemPrefetchAsync(x, n * 4, gpu, 0) != cudaSuccess;
#else
    wrong += cudaMemAdvise(x, n * 4, cudaMemAdviseSetPreferredLocation, device) != cudaSuccess;
    wrong += cudaMemPrefetchAsync(x, n * 4, device) != cudaSuccess;
#endif
    cudaStream_t s;
    cudaStreamCreate(&s);
    wrong += cudaStreamAttachMemAsync(s, x, 0, cudaMemAttachSingle) != cudaSuccess;
    add<<<n / 256, 256, 0, s>>>(x, n);
#if CUDART_VERSION >= 13000
    wrong += cudaMemPrefetchAsync(x, n * 4, cpu, 0, s) != cudaSuccess;
#endif
    cudaStreamSynchronize(s);
    for (int i = 0; i < n; i++) wrong += x[i] != i + 1;
    sum_table<<<1, 8>>>();
    cudaDeviceSynchronize();
    wrong += total != 36 || table[7] != 16;
    table[0] = 100;
    sum_table<<<1, 1>>>();
    cudaDeviceSynchronize();
    wrong += total != 136;
    printf("%d wrong, %s\n", wrong, cudaGetErrorString(cudaGetLastError()));
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
