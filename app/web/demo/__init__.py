"""A small shop that pays with Kolme as any shop would: over the public API, told by signed webhooks. Test
mode only.

It knows the product by its addresses alone. From the rest of this repository it takes the way pages are
rendered, its settings, and a place to keep its orders.
"""
