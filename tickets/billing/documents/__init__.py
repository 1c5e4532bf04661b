"""What a customer takes home: estimates, invoices, credit notes and receipts on paper."""
