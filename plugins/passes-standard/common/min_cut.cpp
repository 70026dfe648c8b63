// SPDX-License-Identifier: Apache-2.0
#include "common/min_cut.hpp"

// GCC 12 sees uninitialized iterators in Boost's edge lists where there are none.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/boykov_kolmogorov_max_flow.hpp>

namespace tenon::passes {
namespace {

using Traits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
using Vertex = boost::property<boost::vertex_index_t, long,
                               boost::property<boost::vertex_color_t, boost::default_color_type,
                                               boost::property<boost::vertex_distance_t, long, boost::property<boost::vertex_predecessor_t, Traits::edge_descriptor>>>>;
using Edge = boost::property<boost::edge_capacity_t, int64_t,
                             boost::property<boost::edge_residual_capacity_t, int64_t, boost::property<boost::edge_reverse_t, Traits::edge_descriptor>>>;
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, Vertex, Edge>;

}  // namespace

struct MinCut::Flow {
  Graph g{2};
};

MinCut::MinCut() : flow_(std::make_unique<Flow>()) {}
MinCut::~MinCut() = default;
MinCut::Id MinCut::vertex() { return boost::add_vertex(flow_->g); }
void MinCut::edge(Id from, Id to, int64_t capacity) {
  Graph& g = flow_->g;
  const auto there = boost::add_edge(from, to, g).first, back = boost::add_edge(to, from, g).first;
  boost::put(boost::edge_capacity, g, there, capacity);
  boost::put(boost::edge_capacity, g, back, 0);
  boost::put(boost::edge_reverse, g, there, back);
  boost::put(boost::edge_reverse, g, back, there);
}
int64_t MinCut::solve() { return boost::boykov_kolmogorov_max_flow(flow_->g, kSource, kSink); }
bool MinCut::with_source(Id v) const { return boost::get(boost::vertex_color, flow_->g, v) == boost::black_color; }

}  // namespace tenon::passes
