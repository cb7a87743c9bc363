package main

import (
	"fmt"
	"slices"
	"strings"
)

// draw shows who is whose neighbour, as a small table:
//
//	        ana  bruno  clara
//	ana      .     #      #
//	bruno    #     .
//	clara    #            .
func draw(w *world) string {
	peers, links := w.alive(), w.links()
	var b strings.Builder
	fmt.Fprintf(&b, "%-8s", "")
	for _, p := range peers {
		fmt.Fprintf(&b, "%-7s", p.name)
	}
	for _, p := range peers {
		fmt.Fprintf(&b, "\n%-8s", p.name)
		for _, q := range peers {
			mark := " "
			switch {
			case p == q:
				mark = "."
			case slices.Contains(links[p], q):
				mark = "#"
			}
			fmt.Fprintf(&b, "  %-5s", mark)
		}
	}
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
