"""The broker: holds sealed values and never sees keys; decides, records, hands out."""
