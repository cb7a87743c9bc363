package overlay

import (
	"reflect"
	"testing"
)

// TestStatsAddUp: no count is left out of a sum.
func TestStatsAddUp(t *testing.T) {
	var one, sum Stats
	each := func(v reflect.Value, f func(name string, n reflect.Value)) {
		for i := range v.NumField() {
			name, field := v.Type().Field(i).Name, v.Field(i)
			if field.Kind() != reflect.Array {
				f(name, field)
				continue
			}
			for j := range field.Len() {
				f(name, field.Index(j))
			}
		}
	}
	each(reflect.ValueOf(&one).Elem(), func(_ string, n reflect.Value) { n.SetUint(1) })
	sum.Add(&one)
	sum.Add(&one)
	each(reflect.ValueOf(sum), func(name string, n reflect.Value) {
		if n.Uint() != 2 {
			t.Errorf("%s: %d, want 2", name, n.Uint())
		}
	})
}
