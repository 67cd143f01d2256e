# Packs, invoices, payments and refunds: keys begin with payments-.
