# What the bot writes by itself (results, refunds, expiry): keys begin with messages-.
