"""The served contract, walked by schemathesis as everybody who may call: nobody sees it broken."""
