"""What tracks go through besides their strip: effects that they send to, and buses that they are grouped in."""
