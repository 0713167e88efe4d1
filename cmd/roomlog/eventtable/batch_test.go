package eventtable_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"roomlog/api/replay"
	"roomlog/cmd/roomlog/eventtable"
	"roomlog/domain"
	"roomlog/eventstore"
)

// TestBatchesHaveTheValuesOfRows compares the values of batches with those that the Parquet library takes from rows: for
// random events of all types, whose fields are empty or not, with and without private fields.
func TestBatchesHaveTheValuesOfRows(t *testing.T) {
	t.Parallel()
	for _, personal := range []bool{false, true} {
		log := eventtable.Log()
		batches := map[string]*eventtable.Batch{log.Name: log.NewBatch()}
		tables := map[string]*eventtable.Table{log.Name: log}
		for _, one := range eventtable.Events(personal) {
			batches[one.Name], tables[one.Name] = one.NewBatch(), one
		}
		random := rand.New(rand.NewPCG(1, 2))
		lists := 0
		for _, spec := range domain.Events {
			for n := range 50 {
				event := reflect.New(reflect.TypeOf(spec.Zero)).Elem()
				lists += fill(t, event, random)
				r := eventstore.Record{Position: random.Int64N(3), Stream: "wallet-1", Version: n, Type: spec.Type, RecordedAt: time.UnixMicro(random.Int64N(1 << 52)).UTC(), LiveID: domain.LiveID(random.IntN(2))}
				r.Event, _ = event.Interface().(domain.Event)
				names := []string{log.Name, spec.Type}
				if n == 0 {
					r.Event, r.Fault, r.Payload = nil, eventstore.ErrCursorLost, json.RawMessage(`{"a":"<b>"}`)
					names = names[:1]
				}
				line := replay.NewEventLine(r, personal)
				for _, name := range names {
					b := batches[name]
					before := make([]int, len(b.Columns()))
					for i, values := range b.Columns() {
						before[i] = len(values)
					}
					b.Add(&line)
					var got parquet.Row
					for i, values := range b.Columns() {
						got = append(got, values[before[i]:]...)
					}
					want := parquet.SchemaOf(tables[name].Empty()).Deconstruct(nil, tables[name].Row(&line))
					if got, want := describe(got), describe(want); got != want {
						t.Fatalf("%s, personal %v, %+v:\n%s\nwant\n%s", name, personal, r.Event, got, want)
					}
				}
			}
		}
		if lists < 50 {
			t.Errorf("only %d fields are lists", lists)
		}
		for name, b := range batches {
			if rows := b.Rows(); name != log.Name && rows != 49 {
				t.Errorf("%s: %d rows", name, rows)
			}
			if b.Reset(); b.Rows() != 0 || len(b.Columns()[0]) != 0 {
				t.Errorf("%s: %d rows after a reset", name, b.Rows())
			}
		}
	}
}

// describe returns the values of a row with their types and levels, one in a line.
func describe(row parquet.Row) string {
	var text strings.Builder
	for _, v := range row {
		fmt.Fprintf(&text, "%v %q\n", v.Kind(), fmt.Sprintf("%+v", v))
	}
	return text.String()
}

// fill gives the fields of a struct random values, a third of them empty. It returns the number of lists with elements.
func fill(t *testing.T, v reflect.Value, random *rand.Rand) (lists int) {
	if random.IntN(3) == 0 {
		if v.Kind() == reflect.Slice && random.IntN(2) == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		return 0
	}
	if _, isTime := v.Interface().(time.Time); isTime {
		v.Set(reflect.ValueOf(time.UnixMicro(random.Int64N(1 << 52)).UTC()))
		return 0
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			lists += fill(t, v.Field(i), random)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range v.Len() {
			lists += fill(t, v.Index(i), random)
		}
		lists++
	case reflect.Int, reflect.Int64:
		v.SetInt(random.Int64())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(fmt.Sprint("<é&>", random.IntN(1000)))
	default:
		t.Fatalf("no value for a field of type %v", v.Type())
	}
	return lists
}
