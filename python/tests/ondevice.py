"""The device and engine that the tests of a class share."""

import unittest

import anchorvk


class OnADevice(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.device = anchorvk.Device()
        cls.engine = anchorvk.Engine(cls.device)

    @classmethod
    def tearDownClass(cls):
        cls.engine.close()
        cls.device.close()

    def fails(self, name, words, function, *args, **kwargs):
        with self.assertRaises(anchorvk.Error) as caught:
            function(*args, **kwargs)
        self.assertEqual(caught.exception.name, name)
        self.assertIn(words, str(caught.exception))
