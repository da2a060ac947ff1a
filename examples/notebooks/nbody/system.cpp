#include "system.hpp"

#include <cmath>

namespace {

constexpr double pi = 3.14159265358979323846;
constexpr double gravity = 4 * pi * pi;  // in these units

// A planet on a circle, `turn` of the way around, in a plane tilted by `tilt` radians.
Body planet(const char* name, double distance, double mass, double turn, double tilt) {
    const double angle = 2 * pi * turn, speed = std::sqrt(gravity / distance);
    return {name,
            {distance * std::cos(angle), distance * std::sin(angle) * std::cos(tilt),
             distance * std::sin(angle) * std::sin(tilt)},
            {-speed * std::sin(angle), speed * std::cos(angle) * std::cos(tilt),
             speed * std::cos(angle) * std::sin(tilt)},
            mass};
}

}  // namespace

System::System()
    : bodies_{Body{"Sun", {}, {}, 1.0}, planet("Jupiter", 5.203, 9.546e-4, 0.00, 0.023),
              planet("Saturn", 9.537, 2.858e-4, 0.31, 0.043),
              planet("Uranus", 19.19, 4.366e-5, 0.62, 0.013),
              planet("Neptune", 30.07, 5.151e-5, 0.85, 0.031)} {
    Body& sun = bodies_[0];  // moves so that the whole system stays where it is
    for (const Body& body : bodies_)
        for (int axis = 0; axis < 3; ++axis)
            if (&body != &sun) sun.velocity[axis] -= body.mass * body.velocity[axis];
}

void System::drift(double years) {
    for (Body& body : bodies_)
        for (int axis = 0; axis < 3; ++axis) body.position[axis] += years * body.velocity[axis];
}

void System::kick(double years) {
    for (std::size_t i = 0; i < bodies_.size(); ++i) {
        for (std::size_t j = i + 1; j < bodies_.size(); ++j) {
            Body &a = bodies_[i], &b = bodies_[j];
            std::array<double, 3> apart;
            double squared = 0;
            for (int axis = 0; axis < 3; ++axis) {
                apart[axis] = b.position[axis] - a.position[axis];
                squared += apart[axis] * apart[axis];
            }
            const double strength = years * gravity / (squared * std::sqrt(squared));
            for (int axis = 0; axis < 3; ++axis) {
                a.velocity[axis] += strength * b.mass * apart[axis];
                b.velocity[axis] -= strength * a.mass * apart[axis];
            }
        }
    }
}

void System::step(double years) {
    drift(years / 2);
    kick(years);
    drift(years / 2);
}

double System::energy() const {
    double total = 0;
    for (std::size_t i = 0; i < bodies_.size(); ++i) {
        const Body& a = bodies_[i];
        for (const double v : a.velocity) total += a.mass * v * v / 2;
        for (std::size_t j = i + 1; j < bodies_.size(); ++j) {
            const Body& b = bodies_[j];
            total -= gravity * a.mass * b.mass /
                     std::hypot(a.position[0] - b.position[0], a.position[1] - b.position[1],
                                a.position[2] - b.position[2]);
        }
    }
    return total;
}
