"""The decision policy: one pure function over facts and a table of rules. The table is data, see the `rules` folder."""
