package hls

// publish renders the playlists of the run that receives frames again, after a part has ended. If the run is the next
// presentation and has enough segments, it becomes the current one. The caller holds the lock.
func (m *Muxer) publish() {
	p := m.receiving
	for _, r := range p.run.renditions {
		p.tracks[r.name+listSuffix] = r.snapshot()
	}
	p.updateDurations()
	p.bandwidth, p.averageBandwidth = 0, 0
	for _, r := range p.run.renditions {
		highest, average := r.bandwidth()
		p.bandwidth, p.averageBandwidth = p.bandwidth+highest, p.averageBandwidth+average
	}
	switch {
	case m.current == p:
		for name := range p.tracks {
			m.renderOne(p, name)
		}
		m.announce()
	case m.next == p && p.mayBeServed(m.ended):
		m.makeCurrent(p)
		m.announce()
	}
}

// makeCurrent makes p the presentation that is served. Segment numbers continue. The caller holds the lock.
func (m *Muxer) makeCurrent(p *presentation) {
	if before := m.current; before != nil {
		for _, list := range before.playlists {
			end := list.end.segment
			if list.end.parts > 0 { // players know the incomplete segment by its parts
				end++
			}
			p.segmentsBefore = max(p.segmentsBefore, end)
		}
		p.runsBefore = before.runsBefore + 1
		m.previous = before
	}
	for name := range p.tracks {
		m.renderOne(p, name)
	}
	m.current, m.next = p, nil
}
