// Rectangles at any angle.
#ifndef EXAMPLES_READ_TEXT_GEOMETRY_H_
#define EXAMPLES_READ_TEXT_GEOMETRY_H_
#include <array>
#include <vector>

#include "image.h"

// `along` is a unit vector in reading direction; the other axis is its quarter turn clockwise
// (y points down).
struct TurnedRect {
  // Clockwise from the corner where reading starts.
  std::array<Point, 4> Corners() const;
  bool Contains(Point p) const;
  void Grow(float distance);
  // The same rectangle in coordinates stretched by (x, y).
  TurnedRect Scaled(float x, float y) const;

  Point center;
  Point along = {1, 0};
  float width = 0;
  float height = 0;
};

// The rectangle of least area around the points, turned by at most 45 degrees.
TurnedRect MinAreaRect(std::vector<Point> points);

#endif  // EXAMPLES_READ_TEXT_GEOMETRY_H_
