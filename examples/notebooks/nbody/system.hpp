// The Sun and the four large planets. Units: astronomical unit, year, mass of the Sun.
#pragma once

#include <array>

struct Body {
    const char* name;
    std::array<double, 3> position, velocity;
    double mass;
};

class System {
public:
    System();

    // One step of `years` with the leapfrog method: it keeps the energy near its true value for ever.
    void step(double years);

    double energy() const;
    const std::array<Body, 5>& bodies() const { return bodies_; }

private:
    void drift(double years);
    void kick(double years);

    std::array<Body, 5> bodies_;
};
