#include "geometry.h"

#include <algorithm>
#include <cmath>

namespace {

float Dot(Point a, Point b) { return a.x * b.x + a.y * b.y; }
Point Minus(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
float Cross(Point a, Point b) { return a.x * b.y - a.y * b.x; }
Point Down(Point along) { return {-along.y, along.x}; }

Point Step(Point from, Point direction, float distance) {
  return {from.x + direction.x * distance, from.y + direction.y * distance};
}

// Andrew's monotone chain; collinear points are dropped.
std::vector<Point> ConvexHull(std::vector<Point> points) {
  std::sort(points.begin(), points.end(),
            [](Point a, Point b) { return a.x < b.x || (a.x == b.x && a.y < b.y); });
  std::vector<Point> hull;
  for (int side = 0; side < 2; ++side) {
    const size_t start = hull.size();
    for (Point p : points) {
      while (hull.size() >= start + 2 &&
             Cross(Minus(hull.back(), hull[hull.size() - 2]), Minus(p, hull.back())) <= 0) {
        hull.pop_back();
      }
      hull.push_back(p);
    }
    hull.pop_back();
    std::reverse(points.begin(), points.end());
  }
  return hull.empty() ? points : hull;
}

TurnedRect BoundsAlong(const std::vector<Point>& points, Point along) {
  const Point down = Down(along);
  float lo_u = Dot(points[0], along), hi_u = lo_u;
  float lo_v = Dot(points[0], down), hi_v = lo_v;
  for (Point p : points) {
    lo_u = std::min(lo_u, Dot(p, along));
    hi_u = std::max(hi_u, Dot(p, along));
    lo_v = std::min(lo_v, Dot(p, down));
    hi_v = std::max(hi_v, Dot(p, down));
  }
  TurnedRect rect;
  rect.center = Step(Step({0, 0}, along, (lo_u + hi_u) / 2), down, (lo_v + hi_v) / 2);
  rect.along = along;
  rect.width = hi_u - lo_u;
  rect.height = hi_v - lo_v;
  return rect;
}

}  // namespace

std::array<Point, 4> TurnedRect::Corners() const {
  const Point down = Down(along);
  const Point left = Step(center, along, -width / 2);
  const Point right = Step(center, along, width / 2);
  return {{Step(left, down, -height / 2), Step(right, down, -height / 2),
           Step(right, down, height / 2), Step(left, down, height / 2)}};
}

bool TurnedRect::Contains(Point p) const {
  const Point d = Minus(p, center);
  return std::abs(Dot(d, along)) <= width / 2 && std::abs(Dot(d, Down(along))) <= height / 2;
}

void TurnedRect::Grow(float distance) {
  width += 2 * distance;
  height += 2 * distance;
}

TurnedRect TurnedRect::Scaled(float x, float y) const {
  const auto corners = Corners();
  std::vector<Point> points;
  for (Point p : corners) points.push_back({p.x * x, p.y * y});
  // Stretching unequally makes a parallelogram; the long axis keeps its direction.
  Point axis = width >= height ? Minus(points[1], points[0]) : Minus(points[3], points[0]);
  const float length = std::sqrt(Dot(axis, axis));
  if (length <= 0) return *this;
  axis = {axis.x / length, axis.y / length};
  return BoundsAlong(points, width >= height ? axis : Point{axis.y, -axis.x});
}

TurnedRect MinAreaRect(std::vector<Point> points) {
  const std::vector<Point> hull = ConvexHull(std::move(points));
  TurnedRect best = BoundsAlong(hull, {1, 0});
  for (size_t i = 0; i < hull.size(); ++i) {
    Point along = Minus(hull[(i + 1) % hull.size()], hull[i]);
    const float length = std::sqrt(Dot(along, along));
    if (length <= 0) continue;
    along = {along.x / length, along.y / length};
    while (along.x < std::abs(along.y)) along = Down(along);
    const TurnedRect rect = BoundsAlong(hull, along);
    if (rect.width * rect.height < best.width * best.height * 0.999f) best = rect;
  }
  return best;
}
