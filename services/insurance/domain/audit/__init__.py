"""The smart audit (智能审核) of insured supplies: rules as data, what they find, and what people decide about it."""
