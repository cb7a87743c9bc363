package main

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// plotMessages draws how many of the queries took at most how many messages.
func plotMessages(file string, c *cli, results []*result) error {
	p := plot.New()
	p.Title.Text = "Messages per query\n" + setting(c)
	p.Title.TextStyle.Font.Size, p.Title.Padding = vg.Points(10), vg.Points(8)
	p.X.Label.Text = "messages (logarithmic)"
	p.Y.Label.Text = "share of the queries that took at most as many"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, decades{}
	p.Y.Min, p.Y.Max = 0, 1
	legend := plot.NewLegend()
	legend.Top, legend.Left, legend.Padding = true, true, vg.Points(3)
	p.Add(plotter.NewGrid())
	least, most := 1.0, 10.0
	for i, r := range results {
		line, err := plotter.NewLine(distribution(r.messages))
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		line.StepStyle = plotter.PostStep
		line.Color, line.Width = plotutil.Color(i), vg.Points(1.5)
		p.Add(line)
		legend.Add(r.name, line)
		if n := len(r.messages); n > 0 { // else nobody could be asked for anything
			most = max(most, float64(r.messages[n-1]))
		}
	}
	p.X.Min, p.X.Max = least, math.Pow(10, math.Ceil(math.Log10(most)))
	return saveBeside(file, p, legend)
}

// saveBeside saves a plot with its legend on its right, where no curve is.
func saveBeside(file string, p *plot.Plot, legend plot.Legend) (err error) {
	c, err := draw.NewFormattedCanvas(20*vg.Centimeter, 11*vg.Centimeter, strings.TrimPrefix(strings.ToLower(filepath.Ext(file)), "."))
	if err != nil {
		return err
	}
	whole := draw.New(c)
	wide := legend.Rectangle(whole).Size().X + vg.Points(20)
	whole.SetColor(color.White)
	whole.Fill(whole.Rectangle.Path())
	p.Draw(draw.Crop(whole, 0, -wide, 0, 0))
	legend.Draw(draw.Crop(whole, whole.Size().X-wide+vg.Points(10), 0, 0, -vg.Points(40)))
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = c.WriteTo(f)
	return err
}

// distribution returns, for each number of messages, which share took at most as many.
// A query that took none stands at one, for there is no logarithm of zero.
func distribution(sorted []int) plotter.XYs {
	points := plotter.XYs{{X: 1, Y: 0}}
	for i, n := range sorted {
		points = append(points, plotter.XY{X: float64(max(1, n)), Y: float64(i+1) / float64(len(sorted))})
	}
	return points
}

// decades marks the powers of ten, with numbers that people read.
type decades struct{}

var _ plot.Ticker = decades{}

// Ticks returns the marks of an axis.
func (decades) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for at := 1.0; at <= high; at *= 10 {
		if at >= low {
			ticks = append(ticks, plot.Tick{Value: at, Label: fmt.Sprintf("%.0f", at)})
		}
		for i := 2.0; i < 10; i++ {
			if v := i * at; v >= low && v <= high {
				ticks = append(ticks, plot.Tick{Value: v})
			}
		}
	}
	return ticks
}
