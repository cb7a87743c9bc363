package main

import (
	"errors"
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/grapevine-p2p/grapevine/internal/sim"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// drawOverlay draws the peers where they lie, their links as they are after the
// queries, and the path of the first query if it was recorded.
func drawOverlay(file string, r *result) error {
	n := r.network
	if len(n.Live()) == 0 {
		return errors.New("nobody is left")
	}
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%d peers of degree %d; distance is latency", len(n.Live()), r.flags.Degree)
	p.HideAxes()
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, roomForLegend
	p.Legend.Top = true
	if err := drawLinks(p, n); err != nil {
		return err
	}
	if len(r.searches) > 0 {
		if err := drawPath(p, n, r.searches[0]); err != nil {
			return err
		}
	}
	if err := drawPeers(p, r); err != nil {
		return err
	}
	return p.Save(20*vg.Centimeter, 20*vg.Centimeter, file)
}

// roomForLegend is how high the drawing of the unit square is.
const roomForLegend = 1.15

func drawLinks(p *plot.Plot, n *network) error {
	for _, id := range n.Live() {
		for _, to := range n.Neighbours(id) {
			if to < id {
				continue // drawn from the other end
			}
			line, err := newLine(n, id, to, linkColour, 0.3)
			if err != nil {
				return err
			}
			p.Add(line)
		}
	}
	return nil
}

// drawPath draws where the query went, and over that which way its hits came.
func drawPath(p *plot.Plot, n *network, s *sim.Search) error {
	for _, way := range []struct {
		what   string
		kind   wire.Kind
		colour color.Color
		width  float64
		dashes []vg.Length
	}{
		{"query", wire.KindQuery, pathColour, 1.5, nil},
		{"hit", wire.KindHit, hitColour, 3, []vg.Length{vg.Points(4), vg.Points(8)}},
	} {
		drawn := map[[2]int]bool{}
		for _, m := range s.Path {
			if m.Kind != way.kind || drawn[[2]int{m.From, m.To}] {
				continue
			}
			line, err := newLine(n, m.From, m.To, way.colour, way.width)
			if err != nil {
				return err
			}
			line.Dashes = way.dashes
			p.Add(line)
			if len(drawn) == 0 {
				p.Legend.Add(way.what, line)
			}
			drawn[[2]int{m.From, m.To}] = true
		}
	}
	return nil
}

func newLine(n *network, from, to int, c color.Color, width float64) (*plotter.Line, error) {
	line, err := plotter.NewLine(places(n, from, to))
	if err != nil {
		return nil, fmt.Errorf("draw a link: %w", err)
	}
	line.Color, line.Width = c, vg.Points(width)
	return line, nil
}

// drawPeers draws the peers by what they are, with a legend of what there is.
func drawPeers(p *plot.Plot, r *result) error {
	n := r.network
	kinds := []struct {
		what   string
		colour color.Color
		size   float64
		peers  []int
	}{
		{"gone", deadColour, 1.5, nil},
		{"peer", peerColour, 2, nil},
		{"hostile", hostileColour, 2, nil},
		{"asker", pathColour, 4, nil},
		{"holder found", hitColour, 4, nil},
	}
	live := map[int]bool{}
	for _, id := range n.Live() {
		live[id] = true
		kind := 1
		if n.Hostile(id) {
			kind = 2
		}
		kinds[kind].peers = append(kinds[kind].peers, id)
	}
	for id := range r.flags.Peers {
		if !live[id] {
			kinds[0].peers = append(kinds[0].peers, id)
		}
	}
	if len(r.searches) > 0 && r.flags.Explain {
		s := r.searches[0]
		kinds[3].peers = []int{s.Asker}
		for _, h := range s.Hits {
			kinds[4].peers = append(kinds[4].peers, h.Holder)
		}
	}
	for _, k := range kinds {
		if len(k.peers) == 0 {
			continue
		}
		dots, err := plotter.NewScatter(places(n, k.peers...))
		if err != nil {
			return fmt.Errorf("draw peers: %w", err)
		}
		dots.GlyphStyle = draw.GlyphStyle{Color: k.colour, Radius: vg.Points(k.size), Shape: draw.CircleGlyph{}}
		p.Add(dots)
		p.Legend.Add(k.what, dots)
	}
	return nil
}

func places(n *network, peers ...int) plotter.XYs {
	points := make(plotter.XYs, len(peers))
	for i, id := range peers {
		points[i].X, points[i].Y = n.Position(id)
	}
	return points
}

// The colours of the drawing.
var (
	linkColour    = color.RGBA{R: 0xd8, G: 0xd8, B: 0xd8, A: 0xff}
	peerColour    = color.RGBA{R: 0x40, G: 0x40, B: 0x40, A: 0xff}
	deadColour    = color.RGBA{R: 0xc0, G: 0xb0, B: 0xb0, A: 0xff}
	hostileColour = color.RGBA{R: 0xe0, G: 0x80, B: 0x00, A: 0xff}
	pathColour    = color.RGBA{R: 0x10, G: 0x60, B: 0xd0, A: 0xff}
	hitColour     = color.RGBA{R: 0x10, G: 0xa0, B: 0x40, A: 0xff}
)
