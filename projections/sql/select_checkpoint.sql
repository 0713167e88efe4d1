SELECT position, generation FROM checkpoint WHERE consumer_group = 'projections'
