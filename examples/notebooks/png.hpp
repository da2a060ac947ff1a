// Writes PNG files without a library: "stored" blocks are valid deflate, so nothing has to be compressed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>

// `rgb` holds three bytes per pixel, row by row from the top.
inline void write_png(const std::string& path, int width, int height, const std::string& rgb) {
    using Bytes = std::string;
    const auto big_endian = [](std::uint32_t v) {
        return Bytes{char(v >> 24), char(v >> 16), char(v >> 8), char(v)};
    };
    const auto chunk = [&](const Bytes& type_and_data) {
        std::uint32_t crc = ~0u;
        for (const unsigned char c : type_and_data) {
            crc ^= c;
            for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0u);
        }
        const auto size = static_cast<std::uint32_t>(type_and_data.size() - 4);
        return big_endian(size) + type_and_data + big_endian(~crc);
    };

    const std::size_t row_size = 3 * static_cast<std::size_t>(width);
    Bytes rows;
    for (int y = 0; y < height; ++y) rows += '\0' + rgb.substr(row_size * y, row_size);  // 0: no filter
    Bytes zlib = "\x78\x01";
    for (std::size_t at = 0; at < rows.size(); at += 65535) {
        const std::size_t size = std::min<std::size_t>(65535, rows.size() - at);
        const bool last = at + size == rows.size();
        zlib += {char(last), char(size), char(size >> 8), char(~size), char(~size >> 8)};
        zlib += rows.substr(at, size);
    }
    std::uint32_t a = 1, b = 0;  // Adler-32
    for (const unsigned char c : rows) {
        a = (a + c) % 65521;
        b = (b + a) % 65521;
    }
    zlib += big_endian(b << 16 | a);

    const Bytes eight_bit_rgb("\x08\x02\0\0\0", 5);
    std::ofstream(path, std::ios::binary)
        << "\x89PNG\r\n\x1a\n" << chunk("IHDR" + big_endian(width) + big_endian(height) + eight_bit_rgb)
        << chunk("IDAT" + zlib) << chunk("IEND");
}
