package strictjson

import "bytes"

// Number of members and levels that the scanner holds without allocating memory.
const (
	usualMembers = 24
	usualDepth   = 8
)

// frame is an object or array that is being read.
type frame struct {
	shape   *shape // shape of the object or array; nil: unknown
	value   *shape // shape of the next value
	names   int    // number of names in scanner.names at the beginning of the frame
	seen    map[string]string
	object  bool
	wantKey bool
}

// scanner reads a JSON document. It relies on encoding/json to refuse invalid documents. Fixed arrays hold
// the frames and names of usual documents, so that these need no allocation.
type scanner struct {
	data []byte
	pos  int
	root *shape

	depth  int
	frames [usualDepth]frame // the outermost frames
	deep   []frame           // all other frames

	count int
	names [usualMembers]name // members of the open objects; frame.seen has those that do not fit
}

func (s *scanner) scan() error {
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		s.pos++
		switch c {
		case '"':
			if err := s.text(); err != nil {
				return err
			}
		case '{', '[':
			s.push(c == '{')
		case '}', ']':
			if s.depth == 0 {
				return nil // The JSON is invalid.
			}
			s.pop()
		case ',':
			if f := s.top(); f != nil {
				f.wantKey = f.object
			}
		}
	}
	return nil
}

// text reads a string after its first quote. It checks the string if it is the name of a member.
func (s *scanner) text() error {
	start := s.pos
	for {
		i := bytes.IndexByte(s.data[s.pos:], '"')
		if i < 0 {
			s.pos = len(s.data) // The JSON is invalid.
			return nil
		}
		end := s.pos + i
		s.pos = end + 1
		if escaped(s.data[start:end]) {
			continue
		}
		if f := s.top(); f != nil && f.wantKey {
			return s.member(f, newName(s.data[start:end]))
		}
		return nil
	}
}

// escaped reports whether the character after b is escaped: b ends with an odd number of backslashes.
func escaped(b []byte) bool {
	n := len(b)
	for n > 0 && b[n-1] == '\\' {
		n--
	}
	return (len(b)-n)%2 == 1
}

// top returns the innermost frame, or nil if there is none.
func (s *scanner) top() *frame {
	switch {
	case s.depth == 0:
		return nil
	case s.depth <= usualDepth:
		return &s.frames[s.depth-1]
	}
	return &s.deep[s.depth-usualDepth-1]
}

func (s *scanner) push(object bool) {
	f := frame{shape: s.root, names: s.count, object: object, wantKey: object}
	if outer := s.top(); outer != nil {
		f.shape = outer.value
	}
	if !object && f.shape != nil {
		f.value = f.shape.items
	}
	if s.depth < usualDepth {
		s.frames[s.depth] = f
	} else {
		s.deep = append(s.deep, f)
	}
	s.depth++
}

func (s *scanner) pop() {
	s.count = s.top().names
	s.depth--
	if s.depth >= usualDepth {
		s.deep = s.deep[:s.depth-usualDepth]
	}
}

// member checks the name of a member of f.
func (s *scanner) member(f *frame, n name) error {
	f.wantKey, f.value = false, nil
	if like, found := s.earlier(f, n); found {
		return &MemberError{string(n.plain), like}
	}
	s.remember(f, n)
	if f.shape == nil {
		return nil
	}
	known, err := f.shape.member(n)
	f.value = known
	return err
}

// earlier returns the earlier member of f that is the same as n for encoding/json.
func (s *scanner) earlier(f *frame, n name) (like string, found bool) {
	if f.seen != nil {
		like, found = f.seen[n.folded()]
		return like, found
	}
	for i := f.names; i < s.count; i++ {
		if s.names[i].same(n) {
			return string(s.names[i].plain), true
		}
	}
	return "", false
}

// remember adds a member to f. When the array is full, the members of f go into a map. The check of a large object
// therefore takes linear time.
func (s *scanner) remember(f *frame, n name) {
	if f.seen == nil && s.count < usualMembers {
		s.names[s.count] = n
		s.count++
		return
	}
	if f.seen == nil {
		f.seen = make(map[string]string)
		for _, n := range s.names[f.names:s.count] {
			f.seen[n.folded()] = string(n.plain)
		}
	}
	f.seen[n.folded()] = string(n.plain)
}
