// Follows the planets for some years; leaves their paths in out/paths.csv.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "system.hpp"

int main(int argc, char** argv) {
    const double years = argc > 1 ? std::atof(argv[1]) : 165;  // one year of Neptune
    if (!(years > 0 && years <= 10'000)) {
        std::fprintf(stderr, "usage: nbody [years, at most 10000]\n");
        return 2;
    }
    constexpr int steps_per_year = 200;
    std::ofstream paths("out/paths.csv");
    paths << "year,body,x,y\n";

    System system;
    const double energy = system.energy();
    const long steps = std::lround(years * steps_per_year);
    for (long step = 0; step <= steps; ++step) {
        if (step % steps_per_year == 0)
            for (const Body& body : system.bodies())
                paths << step / steps_per_year << ',' << body.name << ',' << body.position[0] << ','
                      << body.position[1] << '\n';
        if (step < steps) system.step(1.0 / steps_per_year);
    }
    std::printf("%ld steps, energy changed by %.1e of itself\n", steps,
                std::abs(system.energy() / energy - 1));
}
