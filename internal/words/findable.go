package words

import "slices"

// Findable returns every word that [Match] finds a name by: those of [Split], and
// each single character of a script without spaces, with all of its marks, some or
// none.
func Findable(name string) []string {
	all := Split(name)
	for _, w := range all {
		unit := ""
		for _, r := range w {
			switch {
			case unspaced(r):
				unit = string(r)
			case unit != "":
				unit += string(r)
			default:
				continue
			}
			if !slices.Contains(all, unit) {
				all = append(all, unit)
			}
		}
	}
	return all
}
